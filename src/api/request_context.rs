//! The id and the time of a request.

use std::time::Instant;

use uuid::{NoContext, Uuid};

/// The id of the request at hand and the time at which it arrived. Handlers find it in the request's data.
#[derive(Clone, Debug)]
pub(super) struct RequestContext {
    /// The request's id. It is unique and cannot be guessed, since it may serve as a capability.
    pub(super) id: String,
    /// The time at which the request arrived.
    pub(super) arrived: Instant,
}

impl RequestContext {
    /// Creates the context of a request that arrives now.
    pub(super) fn new() -> Self {
        // All bits but the time are random: the usual ids of version 7 count up within a millisecond, so that one would
        // disclose the next.
        let id = Uuid::new_v7(uuid::Timestamp::now(NoContext)).to_string();
        Self { id, arrived: Instant::now() }
    }
}

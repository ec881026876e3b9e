//! The data of a call to a model that a journal has for the record of an open stream.

use std::time::Instant;

use crate::{adapters::credentials::CredentialSource, domain::cost::TokenUsage};

/// The latest call to a model, as far as the record of an open stream needs it.
#[derive(Clone, Debug)]
pub(in crate::services::turn) struct NotedCall {
    /// The model that was called; `basic` is the built-in responder.
    pub(in crate::services::turn) model: String,
    pub(in crate::services::turn) credential_source: CredentialSource,
    /// The time from which the turn waits for models.
    pub(in crate::services::turn) started_at: Option<Instant>,
    /// The number of calls in the turn.
    pub(in crate::services::turn) attempts: u32,
    /// The number of messages that were sent, counted from the last one.
    pub(in crate::services::turn) messages: usize,
    /// The tokens that earlier calls reported.
    pub(in crate::services::turn) earlier: TokenUsage,
}

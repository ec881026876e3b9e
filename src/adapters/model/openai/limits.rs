//! Limits on the time and the size of an answer.

use std::time::Duration;

/// The limits on one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The time until the first byte, and until the first text of a stream.
    pub(super) first_byte_timeout: Duration,
    /// The time between two pieces of a response.
    pub(super) idle_timeout: Duration,
    /// The size of a response, in bytes.
    pub(super) response: usize,
}

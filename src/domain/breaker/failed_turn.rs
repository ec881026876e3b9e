//! A failed turn, as a circuit breaker counts it.

use std::time::Instant;

use super::caller::CallerHash;

/// The possible cause of a failure.
#[derive(Clone, Copy, Debug)]
pub enum FailureOrigin {
    /// The prompt of this caller may be the cause.
    Caller(CallerHash),
    /// No connection could be opened, so no prompt is the cause.
    Connection,
}

/// A turn that failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedTurn {
    /// The possible cause.
    pub origin: FailureOrigin,
    /// The time at which the turn was admitted.
    pub began: Instant,
    /// Whether the turn was counted as a success before: it failed after its first text.
    pub was_answered: bool,
    /// Whether the turn tried a server whose circuit was open.
    pub was_trial: bool,
}

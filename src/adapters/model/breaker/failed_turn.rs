//! A failed turn, as a circuit breaker counts it.

use std::time::Instant;

use super::caller::CallerHash;

/// The possible cause of a failure.
#[derive(Clone, Copy, Debug)]
pub(super) enum FailureOrigin {
    /// The prompt of this caller may be the cause.
    Caller(CallerHash),
    /// No connection could be opened, so no prompt is the cause.
    Connection,
}

/// A turn that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedTurn {
    pub(super) origin: FailureOrigin,
    /// The time at which the turn was admitted.
    pub(super) began: Instant,
    /// Whether the turn was counted as a success before: it failed after its first text.
    pub(super) was_answered: bool,
    pub(super) was_trial: bool,
}

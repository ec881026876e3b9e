//! Consecutive failures: they open a circuit breaker even if many turns succeeded shortly before.

use std::time::{Duration, Instant};

use super::{bucket::FailedCallers, failed_turn::FailureOrigin};

/// The number of consecutive failures that opens the breaker. If a fifth of all turns fail at random, a run of this length
/// begins once in ten million turns.
const MAX_RUN: u32 = 10;

/// The time without a failure that ends a run.
const MAX_GAP: Duration = Duration::from_mins(1);

/// The failures since the last success.
///
/// A turn counts if no other turn has succeeded since it began. So turns that wait too long for a slow server that
/// answers one after the other do not count, but turns that wait for a server that has stopped answering do.
#[derive(Debug, Default)]
pub(super) struct FailureRun {
    succeeded_at: Option<Instant>,
    failed_at: Option<Instant>,
    failures: u32,
    callers: FailedCallers,
}

impl FailureRun {
    /// Ends the run: a turn has succeeded.
    pub(super) fn end(&mut self, now: Instant) {
        *self = Self { succeeded_at: Some(now), ..Self::default() };
    }

    /// Adds a turn that fails now.
    pub(super) fn add(&mut self, began: Instant, origin: FailureOrigin, now: Instant) {
        if self.succeeded_at.is_some_and(|succeeded_at| began < succeeded_at) {
            return;
        }
        if self.failed_at.is_some_and(|failed_at| now.duration_since(failed_at) > MAX_GAP) {
            *self = Self { succeeded_at: self.succeeded_at, ..Self::default() };
        }
        self.failed_at = Some(now);
        self.failures += 1;
        self.callers.add(origin);
    }

    /// Whether the run opens the breaker: it has [`MAX_RUN`] failures, for enough callers.
    pub(super) fn is_long(&self) -> bool {
        self.failures >= MAX_RUN && self.callers.are_enough()
    }
}

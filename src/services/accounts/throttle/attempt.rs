//! One admitted attempt to verify a password.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::failures::{Failures, PairFailures};

/// Counts an attempt of a pair until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting(Arc<PairFailures>);

impl Waiting {
    /// Adds an attempt to a pair's queue. Returns the number of attempts ahead of it.
    pub(super) fn join(pair: &Arc<PairFailures>) -> (Self, usize) {
        let ahead = pair.attempts.fetch_add(1, Relaxed);
        (Self(Arc::clone(pair)), ahead)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.attempts.fetch_sub(1, Relaxed);
    }
}

/// The permission to verify one password.
#[derive(Debug)]
pub(in crate::services::accounts) struct Attempt {
    failures: Failures,
    _waiting: Waiting,
    permit: OwnedSemaphorePermit,
    /// The time by which verification has to begin.
    pub(in crate::services::accounts) deadline: Instant,
}

impl Attempt {
    pub(super) fn new(failures: Failures, waiting: Waiting, permit: OwnedSemaphorePermit, deadline: Instant) -> Self {
        Self { failures, _waiting: waiting, permit, deadline }
    }

    /// Ends the attempt with the right password. Earlier failures of the pair were then the owner's own, and are cleared.
    pub(in crate::services::accounts) fn succeed(self) {
        self.failures.clear_pair();
    }

    /// Ends the attempt with a wrong password, and counts it.
    pub(in crate::services::accounts) fn fail(self) {
        self.failures.add(self.permit);
    }
}

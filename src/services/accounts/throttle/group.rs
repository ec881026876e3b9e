//! The attempts of one group: on one account from one address, from one address, or from one network.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pauses::Pauses;

/// The failed and the waiting attempts of one group.
#[derive(Debug)]
pub(super) struct Group {
    pauses: Pauses,
    /// As many permits as passwords may be tried at once.
    permits: Arc<Semaphore>,
    failures: Mutex<u32>,
    /// The number of attempts that wait or are being verified.
    attempts: AtomicUsize,
}

/// The place of an attempt that is being made, one of those that a group may make at once.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Waiting,
    permit: OwnedSemaphorePermit,
}

/// Counts an attempt of a group until it is dropped.
#[derive(Debug)]
struct Waiting(Arc<Group>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.attempts.fetch_sub(1, Relaxed);
    }
}

impl Group {
    pub(super) fn new(pauses: Pauses) -> Self {
        let permits = Arc::new(Semaphore::new(pauses.at_once(0) as usize));
        Self { pauses, permits, failures: Mutex::default(), attempts: AtomicUsize::new(0) }
    }

    /// Waits until one more attempt may be made. Returns `None` at once if that would take longer than `longest`, as each attempt
    /// takes a `pause`.
    pub(super) async fn enter(self: &Arc<Self>, pause: Duration, longest: Duration) -> Option<Place> {
        let ahead = self.attempts.fetch_add(1, Relaxed);
        let waiting = Waiting(Arc::clone(self));
        if self.expected_wait(ahead, pause) > longest {
            return None;
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some(Place { waiting, permit })
    }

    /// Returns the expected time in a queue with a number of attempts ahead: zero while there are free failures left.
    fn expected_wait(&self, ahead: usize, pause: Duration) -> Duration {
        let failures = self.failures();
        if self.pauses.after(failures).is_zero() {
            return Duration::ZERO;
        }
        let rounds = u32::try_from(ahead).unwrap_or(u32::MAX) / self.pauses.at_once(failures).max(1);
        pause.saturating_mul(rounds.saturating_add(1))
    }

    /// Returns the pause before an attempt.
    pub(super) fn pause(&self) -> Duration {
        self.pauses.after(self.failures())
    }

    /// Takes a number of failures off.
    pub(super) fn forgive(&self, forgiven: u32) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = failures.saturating_sub(forgiven);
        self.permits.add_permits((self.pauses.at_once(left) - self.pauses.at_once(*failures)) as usize);
        *failures = left;
    }

    /// Takes all failures off. Returns their number.
    pub(super) fn clear(&self) -> u32 {
        let failures = self.failures();
        self.forgive(failures);
        failures
    }

    fn failures(&self) -> u32 {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts a wrong password, after which fewer may be tried at once.
    pub(super) fn fail(self) {
        let Self { waiting: Waiting(ref group), permit } = self;
        let mut failures = group.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let more = failures.saturating_add(1);
        if group.pauses.at_once(more) < group.pauses.at_once(*failures) {
            permit.forget();
        }
        *failures = more;
    }
}

//! The failed attempts that an attempt depends on: of its account, of its client address, and of the pair of both.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pauses::{PER_ACCOUNT, PER_ADDRESS};

/// The failures that delay one attempt.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) pair: Arc<PairFailures>,
    pub(super) account: Arc<AtomicU32>,
    pub(super) client: Arc<AtomicU32>,
}

impl Failures {
    /// Returns the pause before the attempt.
    pub(super) fn pause(&self) -> Duration {
        let account = PER_ACCOUNT.after(self.account.load(Relaxed));
        let client = PER_ADDRESS.after(self.client.load(Relaxed));
        self.pair.pause().max(account).max(client)
    }

    /// Returns the expected time in a queue with a number of attempts of the same pair ahead: zero while the pair has
    /// free failures left.
    pub(super) fn expected_wait(&self, ahead: usize) -> Duration {
        if self.pair.pause().is_zero() {
            return Duration::ZERO;
        }
        let queue = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        self.pause().saturating_mul(queue)
    }

    /// Counts a wrong password, which was tried with a permit of the pair.
    pub(super) fn add(&self, permit: OwnedSemaphorePermit) {
        self.pair.add(permit);
        for count in [&self.account, &self.client] {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Removes the failures of the pair from all counts.
    pub(super) fn clear_pair(&self) {
        let cleared = self.pair.clear();
        for count in [&self.account, &self.client] {
            // Cannot fail: the closure always returns a number.
            let _ = count.fetch_update(Relaxed, Relaxed, |failures| Some(failures.saturating_sub(cleared)));
        }
    }
}

/// The failed and the waiting attempts on one account from one address.
#[derive(Debug)]
pub(super) struct PairFailures {
    /// As many permits as free failures are left, but at least one. They limit how many passwords are tried at once.
    permits: Arc<Semaphore>,
    count: Mutex<u32>,
    /// The number of attempts that wait or are being verified.
    pub(super) attempts: AtomicUsize,
}

impl PairFailures {
    pub(super) fn new() -> Self {
        let permits = Arc::new(Semaphore::new(PER_ACCOUNT.free_failures as usize));
        Self { permits, count: Mutex::new(0), attempts: AtomicUsize::new(0) }
    }

    /// Waits for a permit to try a password.
    pub(super) async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    fn pause(&self) -> Duration {
        PER_ACCOUNT.after(*self.count.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a failure and removes its permit, unless it is the last one.
    fn add(&self, permit: OwnedSemaphorePermit) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
        if *count < PER_ACCOUNT.free_failures {
            permit.forget();
        }
    }

    /// Resets the count and restores the permits. Returns the number of failures before.
    fn clear(&self) -> u32 {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let cleared = std::mem::take(&mut *count);
        self.permits.add_permits(cleared.min(PER_ACCOUNT.free_failures - 1) as usize);
        cleared
    }
}

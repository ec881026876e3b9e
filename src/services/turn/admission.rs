//! A bound on the turns at once. Those beyond it wait their turn in a short queue, first come, first served.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::TurnFailure;
use crate::foundation::config;

#[derive(Debug)]
pub(super) struct Admission {
    free: Semaphore,
    most: usize,
    queue: usize,
    patience: Duration,
    waiting: AtomicUsize,
    refused: AtomicU64,
}

impl Admission {
    pub(super) fn new(settings: &config::Turns) -> Self {
        Self {
            free: Semaphore::new(settings.max_turns),
            most: settings.max_turns,
            queue: settings.queue,
            patience: settings.queue_timeout,
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Fails when all places are taken and the queue is full, so that nothing is begun in vain.
    pub(super) fn ensure_room(&self) -> Result<(), TurnFailure> {
        let is_full = self.free.available_permits() == 0 && self.waiting() >= self.queue;
        if is_full { Err(self.refuse()) } else { Ok(()) }
    }

    /// A place, as soon as there is one; to be held as long as the turn goes on.
    pub(super) async fn take(&self) -> Result<SemaphorePermit<'_>, TurnFailure> {
        if let Ok(place) = self.free.try_acquire() {
            return Ok(place);
        }
        let _waiting = Waiting::join(&self.waiting, self.queue).ok_or_else(|| self.refuse())?;
        match tokio::time::timeout(self.patience, self.free.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.refuse()),
        }
    }

    fn refuse(&self) -> TurnFailure {
        self.refused.fetch_add(1, Ordering::Relaxed);
        TurnFailure::Busy
    }

    /// Turns refused since the start.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Turns under way.
    pub(super) fn taken(&self) -> usize {
        self.most - self.free.available_permits()
    }

    /// Turns that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let this = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

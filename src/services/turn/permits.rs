//! Permits to run a turn, with a short queue in front of them.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::failure::TurnFailure;
use crate::foundation::config;

/// The permits of `MAX_TURNS`, and the queue of turns that wait for one, first in, first out.
#[derive(Debug)]
pub(super) struct Permits {
    free: Semaphore,
    limit: usize,
    queue_limit: usize,
    queue_timeout: Duration,
    waiting: AtomicUsize,
    refused: AtomicU64,
}

impl Permits {
    pub(super) fn new(settings: &config::Turns) -> Self {
        Self {
            free: Semaphore::new(settings.max_turns),
            limit: settings.max_turns,
            queue_limit: settings.queue,
            queue_timeout: settings.queue_timeout,
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Whether a permit is free.
    pub(super) fn has_free(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// Fails if all permits are taken and the queue is full.
    pub(super) fn check(&self) -> Result<(), TurnFailure> {
        let is_full = !self.has_free() && self.waiting() >= self.queue_limit;
        if is_full { Err(self.refuse()) } else { Ok(()) }
    }

    /// Waits for a permit, which the turn holds as long as it runs. Fails if the queue is full or `TURN_QUEUE_TIMEOUT`
    /// has passed.
    pub(super) async fn acquire(&self) -> Result<SemaphorePermit<'_>, TurnFailure> {
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(permit);
        }
        let _queued = Queued::enter(&self.waiting, self.queue_limit).ok_or_else(|| self.refuse())?;
        match timeout(self.queue_timeout, self.free.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.refuse()),
        }
    }

    fn refuse(&self) -> TurnFailure {
        self.refused.fetch_add(1, Ordering::Relaxed);
        TurnFailure::Busy
    }

    /// Returns the number of turns refused since the start.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns the number of permits that are taken.
    pub(super) fn taken(&self) -> usize {
        self.limit - self.free.available_permits()
    }

    /// Returns the number of turns in the queue.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A turn in the queue.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    /// Enters the queue; `None` if it is full.
    fn enter(waiting: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let this = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < limit).then_some(this)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(limit: usize, queue: usize) -> Permits {
        Permits {
            free: Semaphore::new(limit),
            limit,
            queue_limit: queue,
            queue_timeout: Duration::from_millis(1),
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    #[tokio::test]
    async fn a_turn_beyond_the_queue_is_refused_and_counted() {
        let permits = permits(1, 0);
        let permit = permits.acquire().await.unwrap();
        assert_eq!(permits.taken(), 1);
        assert_eq!(permits.check(), Err(TurnFailure::Busy));
        assert!(permits.acquire().await.is_err());
        assert_eq!((permits.refused(), permits.waiting()), (2, 0));
        drop(permit);
        assert_eq!((permits.check(), permits.taken()), (Ok(()), 0));
    }

    #[tokio::test]
    async fn a_turn_leaves_the_queue_when_its_time_is_over() {
        let permits = permits(1, 1);
        let _permit = permits.acquire().await.unwrap();
        assert!(permits.acquire().await.is_err());
        assert_eq!((permits.refused(), permits.waiting()), (1, 0));
    }
}

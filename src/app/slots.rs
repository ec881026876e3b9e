//! The slots of connections: `MAX_CONNECTIONS` for all requests, and a few beyond them for health checks.
//!
//! Which request a connection brings is known only once it is accepted. So some connections beyond the limit are
//! accepted as well, each for one request: a health check is answered, any other request is refused. While there are such
//! connections, the others don't stay open after their response, so that their slots become free.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, futures::Notified};

/// The longest time that a connection beyond the limit may take to send its request's head. A new connection nearly always
/// brings it along.
const LONGEST_HEAD_TIMEOUT: Duration = Duration::from_millis(500);

/// The same time when most of these connections are taken.
const SHORTEST_HEAD_TIMEOUT: Duration = Duration::from_millis(100);

/// The shortest time between two notifications of connections that they should end.
const NOTIFICATION_INTERVAL: Duration = Duration::from_millis(100);

/// The shortest time between two diagnostics of the same condition.
pub(super) const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The slots, as the accept loop takes them.
pub(super) struct Slots {
    limit: usize,
    extra_limit: usize,
    regular: Arc<Semaphore>,
    extra: Arc<Semaphore>,
    limit_state: Arc<LimitState>,
    notified: RateLimit,
    warned: RateLimit,
}

/// The slot of one connection, which is free again when this is dropped.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    /// For a connection beyond the limit, the time to send its request's head.
    pub(super) head_timeout: Option<Duration>,
}

/// The state of the connection limit, which all connections share.
#[derive(Debug, Default)]
pub(super) struct LimitState {
    is_exceeded: AtomicBool,
    arrived: Notify,
}

/// Something that is done at intervals at most.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    last: Option<Instant>,
}

impl Slots {
    pub(super) fn new(limit: usize, extra_limit: usize) -> Self {
        Self {
            limit,
            extra_limit,
            regular: Arc::new(Semaphore::new(limit)),
            extra: Arc::new(Semaphore::new(extra_limit)),
            limit_state: Arc::default(),
            notified: RateLimit::new(NOTIFICATION_INTERVAL),
            warned: RateLimit::new(WARNING_INTERVAL),
        }
    }

    pub(super) fn limit_state(&self) -> Arc<LimitState> {
        Arc::clone(&self.limit_state)
    }

    /// Takes a slot for a connection that was accepted; waits while all are taken, also those beyond the limit.
    pub(super) async fn take(&mut self) -> Option<Slot> {
        if let Ok(permit) = Arc::clone(&self.regular).try_acquire_owned() {
            self.limit_state.is_exceeded.store(false, Ordering::Relaxed);
            return Some(Slot { _permit: permit, head_timeout: None });
        }
        self.note_excess();
        let (regular, extra) = (Arc::clone(&self.regular).acquire_owned(), Arc::clone(&self.extra).acquire_owned());
        tokio::select! {
            biased;
            permit = regular => Some(Slot { _permit: permit.ok()?, head_timeout: None }),
            permit = extra => Some(Slot { _permit: permit.ok()?, head_timeout: Some(self.head_timeout()) }),
        }
    }

    fn note_excess(&mut self) {
        self.limit_state.is_exceeded.store(true, Ordering::Relaxed);
        if self.notified.is_due() {
            self.limit_state.arrived.notify_waiters();
        }
        if self.warned.is_due() {
            let limit = self.limit;
            tracing::warn!(limit, "all connections are in use; further ones get 503, and answers to health checks");
        }
    }

    /// Returns a time that is the shorter, the fewer slots beyond the limit are free.
    fn head_timeout(&self) -> Duration {
        let (free, all) = (self.extra.available_permits(), self.extra_limit.max(1));
        let share = u32::try_from(free).unwrap_or(u32::MAX);
        (LONGEST_HEAD_TIMEOUT * share / u32::try_from(all).unwrap_or(u32::MAX)).max(SHORTEST_HEAD_TIMEOUT)
    }
}

impl LimitState {
    /// Whether connections should not stay open after their response.
    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Ordering::Relaxed)
    }

    /// Waits until a connection finds no slot.
    pub(super) fn arrived(&self) -> Notified<'_> {
        self.arrived.notified()
    }
}

impl RateLimit {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    /// Whether the interval has passed since this last returned true.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= self.interval);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_beyond_the_limit_have_a_short_head_timeout() {
        let mut slots = Slots::new(1, 2);
        let first = slots.take().await.unwrap();
        assert!(first.head_timeout.is_none() && !slots.limit_state().is_exceeded());
        let second = slots.take().await.unwrap();
        let third = slots.take().await.unwrap();
        assert_eq!(
            [&second, &third].map(|slot| slot.head_timeout),
            [Some(LONGEST_HEAD_TIMEOUT / 2), Some(SHORTEST_HEAD_TIMEOUT)]
        );
        assert!(slots.limit_state().is_exceeded());
        drop(first);
        drop(second);
        assert_eq!(slots.take().await.unwrap().head_timeout, None, "a slot of the limit comes first");
        assert!(!slots.limit_state().is_exceeded());
    }
}

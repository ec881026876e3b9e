//! The slots of connections: `MAX_CONNECTIONS` for all requests, and a few beyond them for health checks.
//!
//! Which request a connection brings is known only once it is accepted. So some connections beyond the limit are
//! accepted as well, each for one request: a health check is answered, any other request is refused.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    connection_timeouts::ConnectionTimeouts,
    open_connections::{OpenConnections, has_share},
};
use crate::{
    domain::{client_ip::ClientIp, shares::Shares},
    foundation::config::Server,
};

/// The longest time that a connection beyond the limit may take to send its request's head. A new connection nearly always
/// brings it along.
const LONGEST_HEAD_TIMEOUT: Duration = Duration::from_millis(500);

/// The same time when most of these connections are taken.
const SHORTEST_HEAD_TIMEOUT: Duration = Duration::from_millis(100);

/// The shortest time between two diagnostics of the same condition.
pub(super) const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The slots, as the accept loop takes them.
pub(super) struct Slots {
    limit: usize,
    header_timeout: Duration,
    keepalive_timeout: Duration,
    shared: Arc<Shared>,
    warned: RateLimit,
}

/// The slot of one connection, which is free again when this is dropped.
pub(super) struct Slot {
    shared: Arc<Shared>,
    place: Place,
    /// The time limits of the connection.
    pub(super) timeouts: Arc<ConnectionTimeouts>,
}

/// The slots that are taken.
struct Shared {
    state: Mutex<State>,
    /// Notified when a slot is free again.
    freed: Notify,
}

struct State {
    regular: OpenConnections,
    extra: ExtraConnections,
}

/// The connections beyond the limit.
struct ExtraConnections {
    limit: usize,
    has_shares: bool,
    count: usize,
    held: Shares,
}

#[derive(Clone, Copy)]
enum Place {
    Regular(u64),
    Extra(ClientIp),
}

/// What a connection gets when it asks for a slot.
enum Answer {
    Slot(Slot),
    /// All slots are taken, also those beyond the limit.
    Wait,
    /// The client has its share of the slots beyond the limit, too.
    Refused,
}

/// Something that is done at intervals at most.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    last: Option<Instant>,
}

impl Slots {
    /// Each address gets its share of the slots, unless all connections come from proxies.
    pub(super) fn new(settings: &Server, extra_limit: usize) -> Self {
        let Server { max_connections: limit, header_timeout, keepalive_timeout, proxies, .. } = *settings;
        let has_shares = proxies == 0;
        let extra = ExtraConnections { limit: extra_limit, has_shares, count: 0, held: Shares::default() };
        let state = Mutex::new(State { regular: OpenConnections::new(limit, has_shares), extra });
        let shared = Arc::new(Shared { state, freed: Notify::new() });
        Self { limit, header_timeout, keepalive_timeout, shared, warned: RateLimit::new(WARNING_INTERVAL) }
    }

    /// Takes a slot for a connection that was accepted; waits while all are taken, also those beyond the limit. Returns `None`
    /// if the client holds its share of the slots.
    pub(super) async fn take(&mut self, remote: SocketAddr) -> Option<Slot> {
        let client = ClientIp::from_peer(remote.ip());
        loop {
            if let Some(slot) = self.take_regular(client) {
                return Some(slot);
            }
            self.warn();
            match self.take_extra(client) {
                Answer::Slot(slot) => return Some(slot),
                Answer::Wait => self.shared.freed.notified().await,
                Answer::Refused => return None,
            }
        }
    }

    fn take_regular(&self, client: ClientIp) -> Option<Slot> {
        let timeouts = ConnectionTimeouts::new(self.header_timeout, self.keepalive_timeout);
        let id = self.shared.state().regular.add(client, &timeouts)?;
        Some(Slot { shared: Arc::clone(&self.shared), place: Place::Regular(id), timeouts })
    }

    fn take_extra(&self, client: ClientIp) -> Answer {
        let mut state = self.shared.state();
        let ExtraConnections { limit, has_shares, count, held } = &mut state.extra;
        let free = limit.saturating_sub(*count);
        if free == 0 {
            return Answer::Wait;
        }
        if !held.may_take(client, *has_shares && has_share(client), free) {
            return Answer::Refused;
        }
        *count += 1;
        held.add(client);
        let head_timeout = head_timeout(free - 1, *limit).min(self.header_timeout);
        drop(state);
        let timeouts = ConnectionTimeouts::new(head_timeout, self.keepalive_timeout);
        Answer::Slot(Slot { shared: Arc::clone(&self.shared), place: Place::Extra(client), timeouts })
    }

    fn warn(&mut self) {
        if self.warned.is_due() {
            let limit = self.limit;
            tracing::warn!(
                limit,
                "all connections of a client's share are in use; further ones get 503, and answers to health checks"
            );
        }
    }
}

/// Returns a time that is the shorter, the fewer slots beyond the limit are free.
fn head_timeout(free: usize, all: usize) -> Duration {
    let (free, all) = (u32::try_from(free).unwrap_or(u32::MAX), u32::try_from(all.max(1)).unwrap_or(u32::MAX));
    (LONGEST_HEAD_TIMEOUT * free / all).max(SHORTEST_HEAD_TIMEOUT)
}

impl Slot {
    /// Whether the connection is beyond the limit.
    pub(super) fn is_extra(&self) -> bool {
        matches!(self.place, Place::Extra(_))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        match self.place {
            Place::Regular(id) => state.regular.remove(id),
            Place::Extra(client) => {
                state.extra.count -= 1;
                state.extra.held.remove(client);
            }
        }
        drop(state);
        self.shared.freed.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    use futures_util::FutureExt;

    use super::*;
    use crate::foundation::config::{Config, Source};

    fn slots(limit: &str, extra_limit: usize) -> Slots {
        let config = Config::read(&Source::of_pairs([("MAX_CONNECTIONS", limit)])).unwrap();
        Slots::new(&config.server, extra_limit)
    }

    fn remote(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 4711).into()
    }

    #[tokio::test]
    async fn slots_beyond_the_limit_have_a_short_head_timeout() {
        let mut slots = slots("1", 2);
        let first = slots.take(remote(1)).await.unwrap();
        let (second, third) = (slots.take(remote(2)).await.unwrap(), slots.take(remote(3)).await.unwrap());
        assert_eq!([&first, &second, &third].map(Slot::is_extra), [false, true, true]);
        let remaining = [&second, &third].map(|slot| slot.timeouts.remaining().unwrap());
        assert!(remaining[0] > SHORTEST_HEAD_TIMEOUT && remaining[0] <= LONGEST_HEAD_TIMEOUT / 2, "{remaining:?}");
        assert!(remaining[1] <= SHORTEST_HEAD_TIMEOUT, "{remaining:?}");
        drop(first);
        drop(second);
        assert!(!slots.take(remote(4)).await.unwrap().is_extra(), "a slot of the limit comes first");
    }

    #[tokio::test]
    async fn a_client_beyond_its_share_is_refused_at_once() {
        let mut slots = slots("1", 2);
        let _taken = [slots.take(remote(1)).await.unwrap(), slots.take(remote(1)).await.unwrap()];
        assert!(slots.take(remote(1)).await.is_none());
        let others = slots.take(remote(2)).await.unwrap();
        assert!(slots.take(remote(3)).now_or_never().is_none(), "all are taken");
        drop(others);
        assert!(slots.take(remote(3)).await.unwrap().is_extra());
    }
}

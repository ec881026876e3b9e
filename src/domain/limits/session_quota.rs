//! How many sessions the clients of one address may start: each makes a row in the database and lines in the session log.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::window_count::window_end;
use crate::{
    domain::client_ip::ClientIp,
    foundation::config::{Limit, LimitWindow, ScopeLimits},
};

/// The most addresses that are counted at once, about 3 MiB. Beyond that, those with the fewest sessions are forgotten.
const MAX_ADDRESSES: usize = 65_536;

/// The refusal of another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} sessions per {} for an address is reached", limit.amount, limit.window.as_str())]
pub struct TooManySessions {
    /// The limit.
    pub limit: Limit,
    /// The time after which another session may be started.
    pub wait: Duration,
}

/// Counts the sessions of each address in memory, in this process only.
#[derive(Debug)]
pub struct SessionQuota {
    limits: ScopeLimits,
    counts: Mutex<[Window; 2]>,
}

/// The counts of the minute or day that goes on.
#[derive(Debug, Default)]
struct Window {
    ends_at: Timestamp,
    by_address: HashMap<ClientIp, u64>,
}

impl SessionQuota {
    /// Counts by these limits, which have no units.
    #[must_use]
    pub fn new(limits: ScopeLimits) -> Self {
        Self { limits, counts: Mutex::default() }
    }

    /// Counts a session of an address, or refuses it. Requests of this machine (`is_local`) are exempt from default limits.
    pub fn admit(&self, address: ClientIp, is_local: bool, now: Timestamp) -> Result<(), TooManySessions> {
        if self.limits.list.is_off() || self.limits.is_default && is_local {
            return Ok(());
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let [minute, day] = &mut *counts;
        minute.go_on(LimitWindow::Minute, now);
        day.go_on(LimitWindow::Day, now);
        let is_reached = |limit: &Limit| {
            let window = if limit.window == LimitWindow::Day { &*day } else { &*minute };
            window.count(address) >= limit.amount
        };
        // The longer one, if both are reached.
        let reached = self.limits.list.iter().filter(is_reached).max_by_key(|limit| limit.window.seconds());
        if let Some(limit) = reached {
            let wait = window_end(limit.window, now).duration_since(now);
            return Err(TooManySessions { limit, wait: wait.unsigned_abs() });
        }
        minute.add(address);
        day.add(address);
        Ok(())
    }
}

impl Window {
    /// Begins another window if this one is over. A clock that is set back changes nothing.
    fn go_on(&mut self, length: LimitWindow, now: Timestamp) {
        let ends_at = window_end(length, now);
        if ends_at > self.ends_at {
            *self = Self { ends_at, by_address: HashMap::new() };
        }
    }

    fn count(&self, address: ClientIp) -> u64 {
        self.by_address.get(&address).copied().unwrap_or_default()
    }

    fn add(&mut self, address: ClientIp) {
        if self.by_address.len() >= MAX_ADDRESSES && !self.by_address.contains_key(&address) {
            self.forget_fewest();
        }
        *self.by_address.entry(address).or_default() += 1;
    }

    /// Forgets at least half of the addresses, those with the fewest sessions.
    fn forget_fewest(&mut self) {
        let mut counts = self.by_address.values().copied().collect::<Vec<_>>();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let median = *median;
        self.by_address.retain(|_, count| *count > median);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::foundation::config::LimitList;

    fn quota(text: &str, is_default: bool) -> SessionQuota {
        SessionQuota::new(ScopeLimits { list: LimitList::parse(text).unwrap(), is_default })
    }

    fn address(number: u32) -> ClientIp {
        ClientIp::from_peer(std::net::Ipv4Addr::from_bits(number).into())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn each_address_has_its_own_minute_and_day() {
        let quota = quota("3/minute, 5/day", false);
        let admitted =
            |number, seconds| (0..9).filter(|_| quota.admit(address(number), false, at(seconds)).is_ok()).count();
        assert_eq!((admitted(1, 50), admitted(2, 50)), (3, 3));
        let refused = quota.admit(address(1), false, at(50)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Minute, Duration::from_secs(10)));
        assert_eq!(admitted(1, 60), 2);
        let refused = quota.admit(address(1), false, at(60)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Day, Duration::from_mins(1439)));
        assert_eq!((admitted(1, 3600), admitted(1, 86_400)), (0, 3));
    }

    #[test]
    fn defaults_leave_this_machine_out() {
        let admitted = |quota: &SessionQuota| (0..9).filter(|_| quota.admit(address(1), true, at(0)).is_ok()).count();
        assert_eq!(
            (admitted(&quota("2/day", true)), admitted(&quota("2/day", false)), admitted(&quota("off", false))),
            (9, 2, 9)
        );
    }

    #[test]
    fn many_addresses_take_a_bounded_memory() {
        let quota = quota("3/day", false);
        for _ in 0..3 {
            quota.admit(address(1), false, at(0)).unwrap();
        }
        for number in 2..200_000 {
            quota.admit(address(number), false, at(0)).unwrap();
        }
        assert!(quota.counts.lock().unwrap().iter().all(|window| window.by_address.len() <= MAX_ADDRESSES));
        assert!(quota.admit(address(1), false, at(0)).is_err(), "whoever has the most was forgotten");
    }
}

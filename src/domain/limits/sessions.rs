//! How many sessions the clients of one address may start: each makes a row in the database and lines in the session log.

use std::time::Duration;

use jiff::Timestamp;

use super::{amounts::Amounts, counter::Windows, scope::LimitScope, usage_limits::UsageLimits};
use crate::{
    domain::client_ip::ClientIp,
    foundation::config::{Limit, ScopeLimits},
};

/// What a session counts as. Limits of sessions have no units.
const ONE: Amounts = Amounts { turns: 1, tokens: 0, cost: 0 };

/// The refusal of another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} sessions per {} for an address is reached", limit.amount, limit.window.as_str())]
pub struct TooManySessions {
    /// The limit.
    pub limit: Limit,
    /// The time after which another session may be started.
    pub wait: Duration,
}

impl UsageLimits {
    /// Counts a session of an address, or refuses it. Requests of this machine (`is_local`) are exempt from default limits.
    pub fn admit_session(&self, address: ClientIp, is_local: bool, now: Timestamp) -> Result<(), TooManySessions> {
        let settings = self.settings();
        let ScopeLimits { list, is_default } = &settings.sessions;
        if list.is_off() || *is_default && is_local {
            return Ok(());
        }
        let (key, windows) = (self.keys.of_sessions(address), Windows::at(now));
        let mut locked = self.counts.lock([key].into_iter());
        if let Some(counter) = locked.find(key)
            && let Err(reached) = counter.check(LimitScope::Sessions, list, windows, now)
        {
            counter.note_refusal();
            return Err(TooManySessions { limit: reached.limit, wait: reached.wait });
        }
        locked.change(key, now, |counter| {
            counter.reserve(windows, ONE);
            counter.settle(windows, ONE, ONE);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::foundation::{
        config::{Config, LimitWindow, Source},
        secret::SigningSecret,
    };

    fn limits(sessions: Option<&str>) -> UsageLimits {
        let settings = sessions.map(|list| ("LIMIT_SESSIONS", list));
        let config = Config::read(&Source::of_pairs(settings)).unwrap();
        UsageLimits::new(config.limits, &SigningSecret::generate())
    }

    fn address(number: u32) -> ClientIp {
        ClientIp::from_peer(std::net::Ipv4Addr::from_bits(number).into())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn each_address_has_its_own_minute_and_day() {
        let limits = limits(Some("3/minute, 5/day"));
        let admitted = |number, seconds| {
            (0..9).filter(|_| limits.admit_session(address(number), false, at(seconds)).is_ok()).count()
        };
        assert_eq!((admitted(1, 50), admitted(2, 50)), (3, 3));
        let refused = limits.admit_session(address(1), false, at(50)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Minute, Duration::from_secs(10)));
        assert_eq!(admitted(1, 60), 2);
        let refused = limits.admit_session(address(1), false, at(60)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Day, Duration::from_mins(1439)));
        assert_eq!((admitted(1, 3600), admitted(1, 86_400)), (0, 3));
    }

    #[test]
    fn defaults_leave_this_machine_out() {
        let admitted = |list| {
            let limits = limits(list);
            (0..300).filter(|_| limits.admit_session(address(1), true, at(0)).is_ok()).count()
        };
        assert_eq!((admitted(None), admitted(Some("2/day")), admitted(Some("off"))), (300, 2, 300));
    }

    #[test]
    fn sessions_and_turns_of_an_address_are_counted_apart() {
        let limits = limits(Some("2/day"));
        assert!(limits.admit_session(address(1), false, at(0)).is_ok());
        let news = limits.news(&[LimitWindow::Day], false, at(0));
        let [session] = &news[..] else { panic!("{news:?}") };
        assert!(session.key.to_string().starts_with("sessions:"), "{}", session.key);
        assert_eq!((session.unshared.used.turns, session.key.scope()), (1, LimitScope::Sessions));
    }
}

//! How many sessions the clients of one address may start, and how often they may ask for a person and rate answers: each makes
//! lines in the session log, and all but ratings a row in the database.

use std::time::Duration;

use jiff::Timestamp;

use super::{amounts::Amounts, counter::Windows, counts::locked, scope::LimitScope, usage_limits::UsageLimits};
use crate::{
    domain::client_ip::ClientIp,
    foundation::config::{Limit, ScopeLimits},
};

/// What a session, a request for a person or a rating counts as. Their limits have no units.
const ONE: Amounts = Amounts { turns: 1, tokens: 0, cost: 0 };

/// The refusal of another session, request for a person, or rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} {} per {} for an address is reached", limit.amount, scope.as_str(), limit.window.as_str())]
pub struct TooManyOfAddress {
    /// What the limit counts: [`LimitScope::Sessions`], [`LimitScope::Handovers`] or [`LimitScope::Feedback`].
    pub scope: LimitScope,
    /// The limit.
    pub limit: Limit,
    /// The time after which another one is admitted.
    pub wait: Duration,
}

impl UsageLimits {
    /// Counts a session of an address, a request for a person, or a rating, or refuses it. Requests of this machine (`is_local`) are
    /// exempt from default limits.
    pub fn admit(
        &self,
        scope: LimitScope,
        address: ClientIp,
        is_local: bool,
        now: Timestamp,
    ) -> Result<(), TooManyOfAddress> {
        let settings = self.settings();
        let Some(ScopeLimits { list, is_default }) = scope.limits(&settings) else { return Ok(()) };
        if list.is_off() || *is_default && is_local {
            return Ok(());
        }
        let (key, windows) = (self.keys.of_address(scope, address), Windows::at(now));
        let counter = self.counts.get_or_insert(key, now);
        let mut counter = locked(&counter);
        if let Err(reached) = counter.check(scope, list, windows, now) {
            counter.note_refusal();
            return Err(TooManyOfAddress { scope, limit: reached.limit, wait: reached.wait });
        }
        counter.reserve(windows, ONE);
        counter.settle(windows, ONE, ONE);
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
            (0..9).filter(|_| limits.admit(LimitScope::Sessions, address(number), false, at(seconds)).is_ok()).count()
        };
        assert_eq!((admitted(1, 50), admitted(2, 50)), (3, 3));
        let refused = limits.admit(LimitScope::Sessions, address(1), false, at(50)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Minute, Duration::from_secs(10)));
        assert_eq!(admitted(1, 60), 2);
        let refused = limits.admit(LimitScope::Sessions, address(1), false, at(60)).unwrap_err();
        assert_eq!((refused.limit.window, refused.wait), (LimitWindow::Day, Duration::from_mins(1439)));
        assert_eq!((admitted(1, 3600), admitted(1, 86_400)), (0, 3));
    }

    #[test]
    fn defaults_leave_this_machine_out() {
        let admitted = |list| {
            let limits = limits(list);
            (0..300).filter(|_| limits.admit(LimitScope::Sessions, address(1), true, at(0)).is_ok()).count()
        };
        assert_eq!((admitted(None), admitted(Some("2/day")), admitted(Some("off"))), (300, 2, 300));
    }

    #[test]
    fn sessions_and_turns_of_an_address_are_counted_apart() {
        let limits = limits(Some("2/day"));
        assert!(limits.admit(LimitScope::Handovers, address(2), true, at(0)).is_ok());
        assert!(limits.admit(LimitScope::Sessions, address(1), false, at(0)).is_ok());
        let news = limits.news(&[LimitWindow::Day], false, at(0));
        let [session] = <[_; 1]>::try_from(news).unwrap();
        assert!(session.key.to_string().starts_with("sessions:"), "{}", session.key);
        assert_eq!((session.unshared.used.turns, session.key.scope()), (1, LimitScope::Sessions));
    }
}

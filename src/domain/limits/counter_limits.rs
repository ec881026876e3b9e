//! The limits of a counter: whether one is reached, and what is left of them.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    counter::{Counter, Windows},
    reached::{LimitReached, Standing},
    scope::LimitScope,
};
use crate::foundation::config::{Limit, LimitList, LimitWindow};

/// The time after which a turn is refused no more if running turns have reserved what is left: most of them end sooner.
const RESERVED_WAIT: Duration = Duration::from_secs(5);

/// The shortest time to wait that a client is told.
const MIN_WAIT: Duration = Duration::from_secs(1);

impl Counter {
    /// Fails if a limit is reached in these windows: with the one whose wait is longest. A window that is over has no limit.
    pub fn check(
        &self,
        scope: LimitScope,
        limits: &LimitList,
        windows: Windows,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        let reached = limits.iter().filter_map(|limit| self.reached(scope, limit, windows, now));
        reached.max_by_key(|reached| reached.wait).map_or(Ok(()), Err)
    }

    fn reached(&self, scope: LimitScope, limit: Limit, windows: Windows, now: Timestamp) -> Option<LimitReached> {
        let Limit { amount, unit, window } = limit;
        let count = self.count_in(window, windows);
        if count.taken().of(unit) < amount {
            return None;
        }
        let is_used = count.used().of(unit) >= amount;
        let left = left_of(window, now);
        let wait = if is_used { left } else { left.min(RESERVED_WAIT) }.max(MIN_WAIT);
        Some(LimitReached { scope, limit, is_used, wait })
    }

    /// Returns what is left of each limit.
    pub fn standings<'a>(
        &'a self,
        scope: LimitScope,
        limits: &'a LimitList,
        now: Timestamp,
    ) -> impl Iterator<Item = Standing> + 'a {
        let windows = Windows::at(now);
        limits.iter().map(move |limit| Standing {
            scope,
            limit,
            remaining: limit.amount.saturating_sub(self.count_in(limit.window, windows).taken().of(limit.unit)),
            resets_in: left_of(limit.window, now),
        })
    }
}

/// Returns the time until a window ends.
pub(super) fn left_of(window: LimitWindow, now: Timestamp) -> Duration {
    let length = i64::from(window.seconds());
    let seconds = length - now.as_second().rem_euclid(length);
    let part = Duration::from_nanos(u64::try_from(now.subsec_nanosecond()).unwrap_or_default());
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).saturating_sub(part)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::limits::{
            amounts::Amounts,
            test_counts::{ONE, limits, noon, used},
        },
        foundation::config::LimitUnit,
    };

    fn check(counter: &Counter, text: &str, now: Timestamp) -> Option<(LimitUnit, LimitWindow, u64)> {
        let reached = counter.check(LimitScope::Visitor, &limits(text), Windows::at(now), now).err()?;
        Some((reached.limit.unit, reached.limit.window, reached.wait.as_secs()))
    }

    #[test]
    fn each_unit_and_window_ends_by_itself() {
        use LimitUnit::{Dollars, Tokens, Turns};
        use LimitWindow::{Day, Minute};
        let (day, counter) = (12 * 3600 - 15, used(3));
        for (text, expected) in [
            ("4/minute, 4/day", None),
            ("3/minute", Some((Turns, Minute, 45))),
            ("3/day", Some((Turns, Day, day))),
            ("301tokens/day", None),
            ("250tokens/minute", Some((Tokens, Minute, 45))),
            ("0.000003usd/day", Some((Dollars, Day, day))),
            ("0.000004usd/day", None),
            // The longest wait counts.
            ("3/minute, 3/day, 3tokens/minute", Some((Turns, Day, day))),
            ("off", None),
        ] {
            assert_eq!(check(&counter, text, noon()), expected, "{text}");
        }
        let later = noon() + SignedDuration::from_secs(45);
        assert_eq!(check(&counter, "3/minute", later), None);
        assert_eq!(check(&counter, "3/minute, 3/day", later), Some((Turns, Day, day - 45)));
        let tomorrow = noon() + SignedDuration::from_hours(12);
        assert_eq!(check(&counter, "3/day", tomorrow), None);
        assert!(counter.is_empty(tomorrow) && !counter.is_empty(later));
    }

    #[test]
    fn a_reserved_budget_is_not_spent_and_the_wait_is_short() {
        let mut counter = Counter::default();
        counter.reserve(Windows::at(noon()), ONE);
        let (text, now) = (limits("0.000001usd/day"), Windows::at(noon()));
        let reached = counter.check(LimitScope::Total, &text, now, noon()).unwrap_err();
        assert_eq!((reached.wait, reached.is_spent_budget()), (RESERVED_WAIT, false));
        counter.settle(now, ONE, ONE);
        assert!(counter.check(LimitScope::Total, &text, now, noon()).unwrap_err().is_spent_budget());
    }

    #[test]
    fn the_nearest_limit_is_the_one_with_the_smallest_part_left() {
        let (counter, list) = (used(3), limits("6/minute, 300tokens/day, 12/day"));
        let nearest = counter.standings(LimitScope::Visitor, &list, noon()).reduce(Standing::nearer).unwrap();
        assert_eq!((nearest.limit.unit, nearest.remaining), (LimitUnit::Tokens, 0));
        let list = limits("6/minute, 12/day");
        let nearest = counter.standings(LimitScope::Visitor, &list, noon()).reduce(Standing::nearer).unwrap();
        assert_eq!((nearest.limit.amount, nearest.remaining, nearest.resets_in.as_secs()), (6, 3, 45));
    }

    proptest! {
        /// Turns of any number at once, which use what they were expected to or less, exceed no limit by more than one of
        /// them.
        #[test]
        fn no_order_of_turns_exceeds_a_limit_by_more_than_one(
            steps in proptest::collection::vec((any::<bool>(), 0..=100_u64), 1..300),
            most in 1..3000_u64,
        ) {
            let list = limits(&format!("{most}tokens/day"));
            let (mut counter, mut running, windows) = (Counter::default(), 0, Windows::at(noon()));
            for (starts, tokens) in steps {
                if starts && counter.check(LimitScope::Visitor, &list, windows, noon()).is_ok() {
                    counter.reserve(windows, ONE);
                    running += 1;
                } else if running > 0 {
                    counter.settle(windows, ONE, Amounts { tokens, ..ONE });
                    running -= 1;
                }
                let taken = counter.used_today(noon()).tokens + running * ONE.tokens;
                prop_assert!(taken < most + ONE.tokens, "{taken} of {most}");
            }
            while running > 0 {
                counter.settle(windows, ONE, Amounts::default());
                running -= 1;
            }
            prop_assert!(counter.unshared(LimitWindow::Day, noon()).reserved.is_zero());
        }

        #[test]
        fn a_wait_ends_within_its_window(seconds in 0..200_000_i64, turns in 1..5_u64) {
            let now = noon() + SignedDuration::from_secs(seconds);
            let mut counter = Counter::default();
            for _ in 0..turns {
                counter.reserve(Windows::at(now), ONE);
                counter.settle(Windows::at(now), ONE, ONE);
            }
            for window in LimitWindow::ALL {
                let list = limits(&format!("{turns}/{}", window.as_str()));
                let wait = counter.check(LimitScope::Visitor, &list, Windows::at(now), now).unwrap_err().wait;
                prop_assert!(wait <= Duration::from_secs(u64::from(window.seconds())));
                let then = now + SignedDuration::try_from(wait).unwrap();
                prop_assert_eq!(counter.check(LimitScope::Visitor, &list, Windows::at(then), then), Ok(()));
            }
        }
    }
}

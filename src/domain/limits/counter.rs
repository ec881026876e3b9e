//! The counter of one visitor, of one address, or of all together: the usage of the minute and of the day that go on.

use jiff::Timestamp;

use super::{
    amounts::Amounts,
    window_count::{Unshared, WindowCount, window_number},
};
use crate::foundation::config::LimitWindow;

/// The windows in which a turn was admitted, by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    minute: i64,
    day: i64,
}

impl Windows {
    /// Returns the windows at a time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { minute: window_number(LimitWindow::Minute, now), day: window_number(LimitWindow::Day, now) }
    }

    fn of(self, window: LimitWindow) -> i64 {
        match window {
            LimitWindow::Minute => self.minute,
            LimitWindow::Day => self.day,
        }
    }
}

/// The sum of all replicas in one window, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The window.
    pub window: LimitWindow,
    /// What the database was told.
    pub told: Unshared,
    /// The sum since then.
    pub sum: Amounts,
}

/// The usage of one visitor, of one address, or of all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    minute: WindowCount,
    day: WindowCount,
    /// Whether a turn was refused since the database was asked the last time.
    has_refused: bool,
}

impl Counter {
    fn count(&self, window: LimitWindow, now: Timestamp) -> WindowCount {
        self.count_in(window, Windows::at(now))
    }

    /// Returns the count of one of these windows; an empty one if it is over.
    pub(super) fn count_in(&self, window: LimitWindow, windows: Windows) -> WindowCount {
        let count = match window {
            LimitWindow::Minute => &self.minute,
            LimitWindow::Day => &self.day,
        };
        count.at(windows.of(window))
    }

    /// Returns the count of a window to change it; `None` if the window is over.
    fn count_of(&mut self, window: LimitWindow, windows: Windows) -> Option<&mut WindowCount> {
        let count = match window {
            LimitWindow::Minute => &mut self.minute,
            LimitWindow::Day => &mut self.day,
        };
        count.is_of(windows.of(window)).then_some(count)
    }

    fn go_on(&mut self, windows: Windows) {
        self.minute.go_on(windows.minute);
        self.day.go_on(windows.day);
    }

    /// Reserves the amounts that a turn is expected to use.
    pub fn reserve(&mut self, windows: Windows, expected: Amounts) {
        self.go_on(windows);
        self.reserve_anew(windows, Amounts::default(), expected);
    }

    /// Replaces the reserved amounts of a turn by others.
    pub fn reserve_anew(&mut self, windows: Windows, reserved: Amounts, expected: Amounts) {
        for window in LimitWindow::ALL {
            if let Some(count) = self.count_of(window, windows) {
                count.reserve_anew(reserved, expected);
            }
        }
    }

    /// Notes that a turn was refused. Other replicas may have settled theirs at less since the database was asked.
    pub fn note_refusal(&mut self) {
        self.has_refused = true;
    }

    /// Whether a turn was refused since the database was asked the last time.
    #[must_use]
    pub fn has_refused(&self) -> bool {
        self.has_refused
    }

    /// Replaces the reserved amounts of a turn by those that it used.
    pub fn settle(&mut self, windows: Windows, reserved: Amounts, used: Amounts) {
        for window in LimitWindow::ALL {
            if let Some(count) = self.count_of(window, windows) {
                count.settle(reserved, used);
            }
        }
    }

    /// Returns what the database does not know of a window.
    #[must_use]
    pub fn unshared(&self, window: LimitWindow, now: Timestamp) -> Unshared {
        self.count(window, now).unshared()
    }

    /// Takes the sum of a window that goes on.
    pub fn share(&mut self, windows: Windows, shared: Shared) {
        self.has_refused = false;
        if let Some(count) = self.count_of(shared.window, windows) {
            count.share(shared.told, shared.sum);
        }
    }

    /// Takes a decrease of a window's sum as done that the database may have heard of.
    pub fn assume_decreased(&mut self, windows: Windows, window: LimitWindow, told: Unshared) {
        if let Some(count) = self.count_of(window, windows) {
            count.assume_decreased(told);
        }
    }

    /// Sets the sum of a window when this process begins.
    pub fn begin(&mut self, windows: Windows, window: LimitWindow, sum: Amounts) {
        self.go_on(windows);
        self.share(windows, Shared { window, told: Unshared::default(), sum });
    }

    /// Whether nothing is used or reserved in the windows that go on.
    #[must_use]
    pub fn is_empty(&self, now: Timestamp) -> bool {
        LimitWindow::ALL.into_iter().all(|window| self.count(window, now).taken().is_zero()) && !self.is_held(now)
    }

    /// Whether turns that run here have reserved something, or their reservations are still in the database.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        LimitWindow::ALL.into_iter().any(|window| self.count(window, now).is_held())
    }

    /// Returns usage and reservations of a window, if the database has this sum of it, or a greater one.
    #[must_use]
    pub fn used_and_reserved(&self, window: LimitWindow, sum: Amounts, now: Timestamp) -> (Amounts, Amounts) {
        self.count(window, now).used_and_reserved(sum)
    }

    /// Forgets the usage of all windows. Running turns keep their reservations.
    pub fn forget_usage(&mut self) {
        self.minute.forget_usage();
        self.day.forget_usage();
    }

    /// Returns what was used on the day that goes on.
    #[must_use]
    pub fn used_today(&self, now: Timestamp) -> Amounts {
        self.count(LimitWindow::Day, now).used()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::limits::{
        scope::LimitScope,
        test_counts::{ONE, limits, noon, used},
    };

    #[test]
    fn a_turn_that_ends_in_a_later_window_counts_where_it_began() {
        let (mut counter, later) = (Counter::default(), noon() + SignedDuration::from_mins(1));
        counter.reserve(Windows::at(noon()), ONE);
        counter.reserve(Windows::at(later), ONE);
        counter.settle(Windows::at(noon()), ONE, ONE);
        let left = |text, now| counter.standings(LimitScope::Visitor, &limits(text), now).next().unwrap().remaining;
        assert_eq!((left("5/minute", later), left("5/day", later)), (4, 3));
    }

    #[test]
    fn the_usage_of_other_replicas_counts() {
        let mut counter = used(2);
        let (window, windows) = (LimitWindow::Day, Windows::at(noon()));
        let told = counter.unshared(window, noon());
        counter.reserve(windows, ONE);
        counter.settle(windows, ONE, ONE);
        let sum = Amounts { turns: 10, ..told.used };
        counter.share(windows, Shared { window, told, sum });
        assert_eq!((counter.used_today(noon()).turns, counter.unshared(window, noon()).used), (11, ONE));
        let late = Windows::at(noon() + SignedDuration::from_hours(24));
        counter.share(late, Shared { window, told, sum });
        assert_eq!(counter.used_today(noon()).turns, 11, "the answer is about another day");
    }

    /// A counter, and the sum of its day in a database that it alone tells.
    struct Told {
        counter: Counter,
        sum: i128,
    }

    impl Told {
        /// Tells the database, which returns the sum unless its answer is lost.
        fn tell(&mut self, is_lost: bool) {
            let (window, windows) = (LimitWindow::Day, Windows::at(noon()));
            let told = self.counter.unshared(window, noon());
            let [used, reserved, published] =
                [told.used, told.reserved, told.published].map(|it| i128::from(it.tokens));
            self.sum += used + reserved - published;
            if is_lost {
                self.counter.assume_decreased(windows, window, told);
            } else {
                let sum = Amounts { tokens: u64::try_from(self.sum).unwrap(), ..Amounts::default() };
                self.counter.share(windows, Shared { window, told, sum });
            }
        }

        fn taken(&self) -> u64 {
            let standing = |limit: &str| {
                self.counter.standings(LimitScope::Total, &limits(limit), noon()).next().unwrap().remaining
            };
            1_000_000 - standing("1000000tokens/day")
        }
    }

    #[test]
    fn reservations_are_in_the_database_until_they_are_settled() {
        let (mut told, windows) = (Told { counter: Counter::default(), sum: 0 }, Windows::at(noon()));
        told.counter.reserve(windows, ONE);
        told.tell(false);
        assert_eq!((told.sum, told.taken()), (100, 100));
        assert!(told.counter.unshared(LimitWindow::Day, noon()).is_zero());
        told.counter.settle(windows, ONE, Amounts { tokens: 30, ..ONE });
        assert_eq!((told.taken(), told.counter.is_held(noon())), (30, true));
        told.tell(false);
        assert_eq!((told.sum, told.taken(), told.counter.is_held(noon())), (30, 30, false));
        told.counter.reserve(windows, ONE);
        told.tell(false);
        told.counter.settle(windows, ONE, Amounts::default());
        told.tell(true);
        assert_eq!(told.sum, 30);
        told.tell(false);
        assert_eq!((told.sum, told.taken()), (30, 30), "the decrease is told once");
    }

    proptest! {
        /// Whatever is told when, the counter and the database have at least the usage and the reservations, and exactly these
        /// if no answer was lost.
        #[test]
        fn no_usage_is_lost_on_the_way_to_the_database(
            steps in proptest::collection::vec((0..4_u8, 0..=100_u64), 1..200),
        ) {
            let (mut told, windows) = (Told { counter: Counter::default(), sum: 0 }, Windows::at(noon()));
            let (mut used, mut running, mut was_lost) = (0, 0, false);
            for (step, tokens) in steps {
                match step {
                    0 => {
                        told.counter.reserve(windows, ONE);
                        running += 1;
                    }
                    1 if running > 0 => {
                        told.counter.settle(windows, ONE, Amounts { tokens, ..ONE });
                        (used, running) = (used + tokens, running - 1);
                    }
                    2 => told.tell(false),
                    3 => {
                        told.tell(true);
                        was_lost = true;
                    }
                    _ => {}
                }
                let (taken, expected) = (told.taken(), used + running * ONE.tokens);
                prop_assert!(taken >= expected && (was_lost || taken == expected), "{taken} for {expected}");
            }
            told.tell(false);
            prop_assert!(told.sum >= i128::from(used + running * ONE.tokens));
        }
    }
}

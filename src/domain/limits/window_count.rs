//! The count of one window, a minute or a day: usage that is in the database, usage that is not yet, and reservations.

use jiff::Timestamp;

use super::amounts::Amounts;
use crate::foundation::config::LimitWindow;

/// Returns the number of the window at a time: all windows since 1970 are numbered.
pub(super) fn window_number(window: LimitWindow, at: Timestamp) -> i64 {
    at.as_second().div_euclid(i64::from(window.seconds()))
}

/// Returns the end of a window that goes on at a time.
#[must_use]
pub fn window_end(window: LimitWindow, at: Timestamp) -> Timestamp {
    let end = (window_number(window, at) + 1).saturating_mul(i64::from(window.seconds()));
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}

/// What is used and reserved in the window that goes on. Everything is forgotten when the next one begins: a turn counts in
/// the window in which it was admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowCount {
    number: i64,
    /// What the database has, of all replicas.
    pub(super) shared: Amounts,
    /// What was used here, and is not in the database yet.
    pub(super) unshared: Amounts,
    /// What is reserved for turns here that have not ended.
    pub(super) reserved: Amounts,
}

impl WindowCount {
    /// Returns the count of the window with this number.
    pub(super) fn at(&self, number: i64) -> Self {
        if self.number == number { *self } else { Self { number, ..Self::default() } }
    }

    /// Begins the window with this number, unless it goes on or a later one has begun.
    pub(super) fn go_on(&mut self, number: i64) {
        if number > self.number {
            *self = self.at(number);
        }
    }

    /// Whether this is the window with this number.
    pub(super) fn is_of(&self, number: i64) -> bool {
        self.number == number
    }

    /// Returns what was used, without what is reserved.
    pub(super) fn used(&self) -> Amounts {
        self.shared + self.unshared
    }

    /// Returns what was used or is reserved.
    pub(super) fn taken(&self) -> Amounts {
        self.used() + self.reserved
    }
}

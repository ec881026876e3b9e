//! The count of one window, a minute or a day: usage and reservations, in the database and not yet there.

use jiff::Timestamp;

use super::amounts::{AmountChanges, Amounts};
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

/// The count of the window that goes on. Everything is forgotten when the next one begins: a turn counts in the window in which
/// it was admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowCount {
    number: i64,
    /// The sum in the database: usage and reservations of all replicas, these included.
    shared: Amounts,
    /// The part of that sum that is reserved here.
    published: Amounts,
    /// The usage here that is not in the database yet.
    used_here: Amounts,
    /// The reservations of turns that run here.
    reserved_here: Amounts,
}

/// What the database does not know of one window yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unshared {
    /// The usage that is not in the database.
    pub used: Amounts,
    /// The reservations of running turns.
    pub reserved: Amounts,
    /// The reservations that the database has: of running turns, and of turns that have ended.
    pub published: Amounts,
}

impl Unshared {
    /// Whether the database knows everything.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.used.is_zero() && self.reserved == self.published
    }

    /// Returns the change of the sum in the database.
    #[must_use]
    pub fn changes(&self) -> AmountChanges {
        AmountChanges::between(self.published, self.used + self.reserved)
    }
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

    /// Returns the usage, without what is reserved here. Reservations of other replicas are not told from usage.
    pub(super) fn used(&self) -> Amounts {
        self.shared - self.published + self.used_here
    }

    /// Returns the usage here and the reservations here, if the database has this sum, or a greater one.
    pub(super) fn used_and_reserved(&self, sum: Amounts) -> (Amounts, Amounts) {
        let used = self.shared.max_of_each(sum) - self.published + self.used_here;
        (used, self.reserved_here)
    }

    /// Forgets the usage, and that the database has it. Running turns keep their reservations.
    pub(super) fn forget_usage(&mut self) {
        *self = Self { reserved_here: self.reserved_here, ..Self::default().at(self.number) };
    }

    /// Returns usage and reservations.
    pub(super) fn taken(&self) -> Amounts {
        self.used() + self.reserved_here
    }

    /// Whether turns that run here have reserved something, or their reservations are still in the database.
    pub(super) fn is_held(&self) -> bool {
        !(self.reserved_here.is_zero() && self.published.is_zero())
    }

    /// Replaces reserved amounts of a turn by others.
    pub(super) fn reserve_anew(&mut self, reserved: Amounts, expected: Amounts) {
        self.reserved_here = self.reserved_here - reserved + expected;
    }

    /// Replaces the reserved amounts of a turn by its usage.
    pub(super) fn settle(&mut self, reserved: Amounts, used: Amounts) {
        self.reserved_here = self.reserved_here - reserved;
        self.used_here += used;
    }

    /// Returns what the database does not know.
    pub(super) fn unshared(&self) -> Unshared {
        Unshared { used: self.used_here, reserved: self.reserved_here, published: self.published }
    }

    /// Takes the sum that the database has after it was told this.
    pub(super) fn share(&mut self, told: Unshared, sum: Amounts) {
        self.used_here = self.used_here - told.used;
        self.published = told.reserved;
        self.shared = sum;
    }

    /// Takes a decrease as done that the database was told, without an answer. To tell it again could lower the sum twice, and a
    /// limit would admit too much. So the sum is too high if the database has not heard of it.
    pub(super) fn assume_decreased(&mut self, told: Unshared) {
        let (after, before) = (told.used + told.reserved, told.published);
        let decreased = |amount: Amounts, otherwise: Amounts| Amounts {
            tokens: if after.tokens < before.tokens { amount.tokens } else { otherwise.tokens },
            turns: if after.turns < before.turns { amount.turns } else { otherwise.turns },
            cost: if after.cost < before.cost { amount.cost } else { otherwise.cost },
        };
        self.used_here = decreased(self.used_here - told.used, self.used_here);
        self.published = decreased(told.reserved, self.published);
    }
}

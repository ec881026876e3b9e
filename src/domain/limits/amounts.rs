//! Amounts of usage.

use std::ops::{Add, AddAssign, Sub};

use crate::foundation::config::LimitUnit;

/// Amounts of everything that limits count, of one turn or of many. Sums and differences stop at the ends of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amounts {
    /// Tokens of prompts and answers.
    pub tokens: u64,
    /// Turns.
    pub turns: u64,
    /// The cost in pico-dollars.
    pub cost: u64,
}

impl Amounts {
    /// More than anything uses.
    pub const MAX: Self = Self { tokens: u64::MAX, turns: u64::MAX, cost: u64::MAX };

    /// Returns the amount of one unit.
    #[must_use]
    pub fn of(self, unit: LimitUnit) -> u64 {
        match unit {
            LimitUnit::Turns => self.turns,
            LimitUnit::Tokens => self.tokens,
            LimitUnit::Dollars => self.cost,
        }
    }

    /// Returns the greater amount of each unit.
    #[must_use]
    pub fn max_of_each(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.max(other.tokens),
            turns: self.turns.max(other.turns),
            cost: self.cost.max(other.cost),
        }
    }

    /// Returns the smaller amount of each unit.
    #[must_use]
    pub fn min_of_each(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.min(other.tokens),
            turns: self.turns.min(other.turns),
            cost: self.cost.min(other.cost),
        }
    }

    /// Whether all are zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// Changes of amounts, which may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmountChanges {
    /// Tokens of prompts and answers.
    pub tokens: i64,
    /// Turns.
    pub turns: i64,
    /// The cost in pico-dollars.
    pub cost: i64,
}

impl AmountChanges {
    /// Returns the changes from some amounts to others. They stop at the ends of the range.
    #[must_use]
    pub fn between(before: Amounts, after: Amounts) -> Self {
        let change = |before: u64, after: u64| {
            let (before, after) = (i64::try_from(before), i64::try_from(after));
            after.unwrap_or(i64::MAX).saturating_sub(before.unwrap_or(i64::MAX))
        };
        Self {
            tokens: change(before.tokens, after.tokens),
            turns: change(before.turns, after.turns),
            cost: change(before.cost, after.cost),
        }
    }
}

impl Add for Amounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            turns: self.turns.saturating_add(other.turns),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Amounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens),
            turns: self.turns.saturating_sub(other.turns),
            cost: self.cost.saturating_sub(other.cost),
        }
    }
}

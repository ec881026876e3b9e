//! A limit that is reached, and one that is near.

use std::time::Duration;

use super::scope::LimitScope;
use crate::foundation::config::{Limit, LimitUnit, LimitWindow};

/// A limit that refuses a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {} per {} for the scope {} is reached", limit.unit.as_str(), limit.window.as_str(), scope.as_str())]
pub struct LimitReached {
    /// The scope of the limit.
    pub scope: LimitScope,
    /// The limit.
    pub limit: Limit,
    /// Whether the amount is used, and not only reserved for turns that go on.
    pub is_used: bool,
    /// The time after which a turn may be admitted.
    pub wait: Duration,
}

impl LimitReached {
    /// Whether a day's money is spent.
    #[must_use]
    pub fn is_spent_budget(&self) -> bool {
        self.is_used && self.limit.unit == LimitUnit::Dollars && self.limit.window == LimitWindow::Day
    }

    /// Returns what is left of the limit for a client: nothing, until the time to wait is over.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { scope: self.scope, limit: self.limit, remaining: 0, resets_in: self.wait }
    }
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The scope of the limit.
    pub scope: LimitScope,
    /// The limit.
    pub limit: Limit,
    /// What is neither used nor reserved, in the limit's unit.
    pub remaining: u64,
    /// The time until the window ends; of a limit that has refused a turn, the time to wait.
    pub resets_in: Duration,
}

impl Standing {
    /// Returns the one of which the smaller part is left; of equal ones, the first.
    #[must_use]
    pub fn nearer(self, other: Self) -> Self {
        let left = |standing: &Self, of: &Self| u128::from(standing.remaining) * u128::from(of.limit.amount);
        if left(&other, &self) < left(&self, &other) { other } else { self }
    }
}

//! Limits that are nearly or wholly used up, for the operator.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{amounts::Amounts, counter::Counter, counter_limits::left_of, key::LimitKey};
use crate::foundation::config::{Limit, LimitList, LimitWindow};

/// How much of a limit is used by one visitor, one address, or all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitUsage {
    /// Whose usage it is.
    pub key: LimitKey,
    /// The limit.
    pub limit: Limit,
    /// The usage, in the limit's unit.
    pub used: u64,
    /// The reservations of turns that run here, in the limit's unit.
    pub reserved: u64,
    /// The time until the window ends.
    pub resets_in: Duration,
}

impl LimitUsage {
    /// Returns what is used and reserved, in thousandths of the limit.
    #[must_use]
    pub fn per_mille(&self) -> u64 {
        let taken = u128::from(self.used.saturating_add(self.reserved)) * 1000;
        u64::try_from(taken / u128::from(self.limit.amount.max(1))).unwrap_or(u64::MAX)
    }
}

/// The sums that the database has of windows that go on.
pub type DatabaseSums = HashMap<(LimitKey, LimitWindow), Amounts>;

/// Returns the limits of which a counter has used or reserved so many thousandths. `sums` are those in the database, which other
/// replicas may have raised since.
pub(super) fn near<'a>(
    key: LimitKey,
    counter: &'a Counter,
    limits: &'a LimitList,
    sums: &'a DatabaseSums,
    least_per_mille: u64,
    now: Timestamp,
) -> impl Iterator<Item = LimitUsage> + 'a {
    let usages = limits.iter().map(move |limit| {
        let sum = sums.get(&(key, limit.window)).copied().unwrap_or_default();
        let (used, reserved) = counter.used_and_reserved(limit.window, sum, now);
        let (used, reserved) = (used.of(limit.unit), reserved.of(limit.unit));
        LimitUsage { key, limit, used, reserved, resets_in: left_of(limit.window, now) }
    });
    usages.filter(move |usage| usage.per_mille() >= least_per_mille)
}

/// Sorts limits, those that are used the most first, and keeps `most` of them. Returns whether there are more.
pub(super) fn keep_nearest(usages: &mut Vec<LimitUsage>, most: usize) -> bool {
    usages.sort_unstable_by_key(|usage| (Reverse(usage.per_mille()), usage.key));
    let has_more = usages.len() > most;
    usages.truncate(most);
    has_more
}

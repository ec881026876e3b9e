//! Limits as the operator sees and resets them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    counter::Counter,
    counts::locked,
    group::{LimitGroup, all_lists},
    key::LimitKey,
    near::{DatabaseSums, LimitUsage, keep_nearest, near},
    usage_limits::UsageLimits,
};
use crate::{domain::tenant::Tenant, foundation::config::Limit};

impl UsageLimits {
    /// Returns the limits of which the greatest part is used or reserved, at least so many thousandths and at most `most` limits,
    /// and whether there are more. Of tenants, those that are given count. `sums` are those in the database, as other replicas
    /// may have counted visitors and addresses that this one does not know.
    #[must_use]
    pub fn near(
        &self,
        tenants: &[Tenant],
        least_per_mille: u64,
        most: usize,
        sums: &DatabaseSums,
        now: Timestamp,
    ) -> (Vec<LimitUsage>, bool) {
        let settings = self.settings();
        let lists = all_lists(tenants, &settings);
        let (mut usages, mut unknown) = (Vec::new(), sums.keys().map(|(key, _)| *key).collect::<BTreeSet<_>>());
        let mut add = |key: LimitKey, counter: &Counter| {
            if let Some(list) = lists.get(&key.group) {
                usages.extend(near(key, counter, list, sums, least_per_mille, now));
            }
        };
        self.counts.for_each(|key, counter| {
            unknown.remove(&key);
            add(key, counter);
        });
        for key in unknown {
            add(key, &Counter::default());
        }
        let has_more = keep_nearest(&mut usages, most);
        (usages, has_more)
    }

    /// Returns all limits, those of these tenants included, each with the least amount that is so many thousandths of it.
    #[must_use]
    pub fn thresholds(&self, tenants: &[Tenant], least_per_mille: u64) -> Vec<(LimitGroup, Limit, u64)> {
        let settings = self.settings();
        let lists = all_lists(tenants, &settings);
        let limits = lists.into_iter().flat_map(|(group, list)| list.iter().map(move |limit| (group, limit)));
        let thresholds = limits.map(|(group, limit)| {
            let least = (u128::from(limit.amount) * u128::from(least_per_mille)).div_ceil(1000).max(1);
            (group, limit, u64::try_from(least).unwrap_or(u64::MAX))
        });
        thresholds.collect()
    }

    /// Forgets the usage of a key. Returns whether there was any. Running turns keep their reservations.
    pub fn forget_usage(&self, key: LimitKey, now: Timestamp) -> bool {
        let Some(counter) = self.counts.find(key) else { return false };
        let mut counter = locked(&counter);
        let had_usage = !counter.is_empty(now);
        counter.forget_usage();
        had_usage
    }
}

//! Limits as the operator sees and resets them.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    TurnLimits,
    sharing::{Reset, window_of},
};
use crate::{
    adapters::storage::StorageFailure,
    domain::{
        limits::{Amounts, DatabaseSums, LimitGroup, LimitKey, LimitUsage},
        tenant::Tenant,
    },
    foundation::{
        config::{LimitUnit, LimitWindow, Limits},
        error_chain::ErrorChain,
    },
    services::turn::failure::TurnFailure,
};

impl TurnLimits {
    /// Returns the limits of which the greatest part is used or reserved, at least so many thousandths and at most `most` limits,
    /// and whether there are more. Of tenants, those that are given count.
    pub(in crate::services::turn) async fn near(
        &self,
        tenants: &[Tenant],
        least_per_mille: u64,
        most: usize,
    ) -> Result<(Vec<LimitUsage>, bool), TurnFailure> {
        let now = self.storage.session_time();
        let sums = self.sums(tenants, least_per_mille, most, now).await.map_err(|failure| unavailable(&failure))?;
        Ok(self.counts.usage.near(tenants, least_per_mille, most, &sums, now))
    }

    /// Replaces the limits of the settings. What was used of them is still counted.
    pub(in crate::services::turn) fn replace_settings(&self, settings: Limits) {
        self.counts.usage.replace_settings(settings);
    }

    /// Forgets the usage of one visitor, one address, a tenant or all together, here and in the database. Other replicas learn of it
    /// when they next add to the count or have refused a turn. Returns whether there was any usage.
    pub(in crate::services::turn) async fn reset(&self, key: LimitKey) -> Result<bool, TurnFailure> {
        let (done, outcome) = oneshot::channel();
        self.resets.send(Reset { key, done }).await.map_err(|_| TurnFailure::Stopping)?;
        outcome.await.map_err(|_| TurnFailure::Stopping)?.map_err(|failure| unavailable(&failure))
    }

    /// Returns the sums in the database that are near a limit; none where no other replica counts.
    async fn sums(
        &self,
        tenants: &[Tenant],
        least_per_mille: u64,
        most: usize,
        now: Timestamp,
    ) -> Result<DatabaseSums, StorageFailure> {
        let mut sums = DatabaseSums::new();
        if !self.storage.is_shared() {
            return Ok(sums);
        }
        for ((group, window), least) in self.least_amounts(tenants, least_per_mille) {
            for count in self.storage.limit_counts_from(group, window, least, most).await? {
                if let (Some(key), Some(window)) = (LimitKey::parse(&count.counted), window_of(&count, now)) {
                    sums.insert((key, window), count.amounts);
                }
            }
        }
        Ok(sums)
    }

    /// Returns the least amounts that are so many thousandths of the limits of each group and window, the greatest number where
    /// there is no limit.
    fn least_amounts(&self, tenants: &[Tenant], least_per_mille: u64) -> HashMap<(LimitGroup, LimitWindow), Amounts> {
        let mut least = HashMap::new();
        for (group, limit, amount) in self.counts.usage.thresholds(tenants, least_per_mille) {
            let amounts = least.entry((group, limit.window)).or_insert(Amounts::MAX);
            match limit.unit {
                LimitUnit::Turns => amounts.turns = amount,
                LimitUnit::Tokens => amounts.tokens = amount,
                LimitUnit::Dollars => amounts.cost = amount,
            }
        }
        least
    }
}

/// Logs a failure of the database. Returns the failure of the operation.
fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(failure = %ErrorChain(failure), "the counts of limits cannot be read or deleted");
    TurnFailure::StorageUnavailable
}

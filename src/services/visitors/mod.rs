//! Visitors: owners of a chat without an account, identified by a token, and removed after a time without a visit. What the
//! session log holds of guests' texts is erased after that time, too.

mod token;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use self::token::VisitorToken;
use crate::{
    adapters::storage::{Storage, StorageFailure, Visitor},
    foundation::{clock::Clock, error_chain::ErrorChain, tasks::Tasks},
};

/// The longest interval between two updates of a visitor's last visit, and between two purges. Updates at each request
/// would only cost writes, since the retention is much longer.
const MAX_UPDATE_INTERVAL: Duration = Duration::from_hours(1);

/// The number of visitors read at once by a purge.
const PURGE_BATCH: u64 = 100;

/// The visitors of the portal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Visitors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    clock: Clock,
    retention: Duration,
}

impl Inner {
    /// Returns the interval between two updates of a visitor's last visit, which may be that much later than stored.
    fn update_interval(&self) -> Duration {
        MAX_UPDATE_INTERVAL.min(self.retention / 4)
    }

    /// Returns the retention time `age` ago.
    fn ago(&self, age: Duration) -> Timestamp {
        self.storage.retention_time().checked_sub(age).unwrap_or(Timestamp::MIN)
    }
}

impl Visitors {
    /// Starts the task that removes visitors whose last visit is longer ago than `retention`.
    #[must_use]
    pub fn start(storage: Storage, clock: Clock, retention: Duration, tasks: &Tasks) -> Self {
        let this = Self(Arc::new(Inner { storage, clock, retention }));
        tasks.spawn("visitors", this.clone().purge_periodically(tasks.stopping()));
        this
    }

    /// Returns how long visitors and their chats are stored after the last visit.
    #[must_use]
    pub fn retention(&self) -> Duration {
        self.0.retention
    }

    /// Finds the visitor with a token, and records the visit.
    pub async fn find(&self, token: &VisitorToken) -> Result<Option<Visitor>, StorageFailure> {
        let Some(visitor) = self.0.storage.visitor(&token.hash()).await? else { return Ok(None) };
        let storage = &self.0.storage;
        let is_recorded = visitor.seen_at >= self.0.ago(self.0.update_interval());
        // The update fails to find a visitor that was purged meanwhile.
        let exists = is_recorded || storage.touch_visitor(visitor.owner).await?;
        Ok(exists.then_some(visitor))
    }

    /// Finds the visitor with a token, or creates it.
    pub async fn find_or_create(&self, token: &VisitorToken) -> Result<Visitor, StorageFailure> {
        loop {
            if let Some(visitor) = self.find(token).await? {
                return Ok(visitor);
            }
            if let Some(visitor) = self.0.storage.add_visitor(&token.hash(), self.0.clock.now()).await? {
                return Ok(visitor);
            }
            // Another request created the visitor meanwhile: find it.
        }
    }

    async fn purge_periodically(self, stopping: CancellationToken) {
        let pause = self.0.update_interval().max(Duration::from_millis(100));
        loop {
            if let Err(failure) = self.purge(&stopping).await {
                tracing::warn!(failure = %ErrorChain(&failure), "cannot remove visitors who did not return; trying again later");
            }
            if stopping.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Removes the visitors whose retention is over, and erases logged texts of guests that are as old, on the replica that
    /// holds the lease.
    async fn purge(&self, stopping: &CancellationToken) -> Result<(), StorageFailure> {
        let Inner { storage, retention, .. } = &*self.0;
        if !storage.try_acquire_lease("visitors").await? {
            return Ok(());
        }
        storage.sync_retention_time().await?;
        storage.purge_content_keys(self.0.ago(*retention)).await?;
        let seen_before = self.0.ago(*retention + self.0.update_interval());
        loop {
            let inactive = storage.inactive_visitors(seen_before, PURGE_BATCH).await?;
            for visitor in &inactive {
                if stopping.is_cancelled() {
                    return Ok(());
                }
                storage.purge_visitor(visitor, seen_before).await?;
            }
            if inactive.is_empty() {
                return Ok(());
            }
        }
    }
}

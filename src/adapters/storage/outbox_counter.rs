//! The number of usage records in the outbox, and a notification of new ones.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::{column_values::to_count, database::Pool, failure::StorageFailure, statement::sql};

/// The number of records in the outbox, including those of turns that are not written yet.
#[derive(Debug)]
pub(super) struct OutboxCounter {
    records: AtomicU64,
    added: Notify,
}

impl OutboxCounter {
    /// Counts the records in the database.
    pub(super) async fn open(read: &Pool) -> Result<Self, StorageFailure> {
        Ok(Self { records: AtomicU64::new(count(read).await?), added: Notify::new() })
    }

    /// Counts the records in the database anew.
    pub(super) async fn refresh(&self, read: &Pool) -> Result<(), StorageFailure> {
        self.records.store(count(read).await?, Ordering::Relaxed);
        Ok(())
    }

    /// Adds records that are about to be written.
    pub(super) fn add(&self, records: usize) {
        self.records.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Subtracts records that have been removed.
    pub(super) fn subtract(&self, removed: u64) {
        let less = |records: u64| Some(records.saturating_sub(removed));
        // The closure always returns a value, so that the update cannot fail.
        let _ = self.records.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Returns the number of records.
    pub(super) fn get(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Notifies the reader of the outbox that records have been written.
    pub(super) fn notify(&self) {
        self.added.notify_one();
    }

    /// Waits for a notification since the last call.
    pub(super) async fn notified(&self) {
        self.added.notified().await;
    }
}

async fn count(read: &Pool) -> Result<u64, StorageFailure> {
    let (records,): (i64,) = sql("SELECT COUNT(*) FROM papita_outbox").fetch_one(read).await?;
    Ok(to_count(records))
}

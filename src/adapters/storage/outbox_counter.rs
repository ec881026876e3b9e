//! The numbers of usage records in the outbox and of dropped ones, and a notification of new records.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::{
    column_values::to_count, database::Pool, failure::StorageFailure, outbox_drops, statement::sql,
    turn_record::UsageRecord,
};

/// The number of records in the outbox and of dropped ones, including those of turns that are not written yet.
#[derive(Debug, Default)]
pub(super) struct OutboxCounter {
    records: AtomicU64,
    dropped: AtomicU64,
    added: Notify,
}

impl OutboxCounter {
    /// Counts the records in the database.
    pub(super) async fn open(read: &Pool) -> Result<Self, StorageFailure> {
        let counter = Self::default();
        counter.refresh(read).await?;
        Ok(counter)
    }

    /// Counts the records in the database anew.
    pub(super) async fn refresh(&self, read: &Pool) -> Result<(), StorageFailure> {
        self.records.store(count(read).await?, Ordering::Relaxed);
        self.dropped.store(outbox_drops::fetch(read).await?, Ordering::Relaxed);
        Ok(())
    }

    /// Counts the usage record of a turn that is about to be written.
    pub(super) fn add(&self, record: &UsageRecord) {
        match record {
            UsageRecord::NotDue => {}
            UsageRecord::Queued(_) => drop(self.records.fetch_add(1, Ordering::Relaxed)),
            UsageRecord::Dropped => self.add_dropped(1),
        }
    }

    /// Counts records that have been dropped.
    pub(super) fn add_dropped(&self, records: u64) {
        self.dropped.fetch_add(records, Ordering::Relaxed);
    }

    /// Subtracts records that have been removed.
    pub(super) fn subtract(&self, removed: u64) {
        let less = |records: u64| Some(records.saturating_sub(removed));
        // The closure always returns a value, so that the update cannot fail.
        let _ = self.records.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Returns the number of records in the outbox.
    pub(super) fn get(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Returns the number of dropped records.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
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

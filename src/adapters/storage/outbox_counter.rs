//! The numbers of records in an outbox and of dropped ones, and a notification of new records.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::{
    column_values::to_count, database::Pool, failure::StorageFailure, outbox_destination::Destination,
    outbox_entry::OutboxCount, statement::sql,
};

/// The number of records in an outbox and of dropped ones: those in the database, and those of turns of this process that
/// are not written yet.
///
/// Turns only add to the sums. Whoever changes or counts the database's records holds [`StoredRecords`] meanwhile, so that a
/// count is never mistaken for one before or after another change of this process.
#[derive(Debug)]
pub(super) struct OutboxCounter {
    destination: Destination,
    records: AtomicU64,
    dropped: AtomicU64,
    stored: Mutex<StoredRecords>,
    added: Notify,
}

/// The part of the numbers that is in the database, as far as this process knows: other replicas add and remove records, too.
#[derive(Debug, Default)]
pub(super) struct StoredRecords(OutboxCount);

impl StoredRecords {
    /// Adds records that have been written.
    pub(super) fn add(&mut self, written: OutboxCount) {
        self.0.records += written.records;
        self.0.dropped += written.dropped;
    }
}

impl OutboxCounter {
    /// Counts the records in the database.
    pub(super) async fn open(destination: Destination, read: &Pool) -> Result<Self, StorageFailure> {
        let (records, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        let counter = Self { destination, records, dropped, stored: Mutex::default(), added: Notify::new() };
        counter.recount(&mut *counter.stored().await, read).await?;
        Ok(counter)
    }

    /// Waits until nobody else changes or counts the database's records.
    pub(super) async fn stored(&self) -> MutexGuard<'_, StoredRecords> {
        self.stored.lock().await
    }

    /// Counts the records in the database anew.
    pub(super) async fn recount(&self, stored: &mut StoredRecords, read: &Pool) -> Result<(), StorageFailure> {
        let counts = sql(self.destination.statements().counts).fetch_one(read).await?;
        let (records, dropped): (i64, i64) = counts;
        let (records, dropped) = (to_count(records), to_count(dropped));
        // Addition wraps around, so that this also subtracts.
        self.records.fetch_add(records.wrapping_sub(stored.0.records), Ordering::Relaxed);
        self.dropped.fetch_add(dropped.wrapping_sub(stored.0.dropped), Ordering::Relaxed);
        stored.0 = OutboxCount { records, dropped };
        Ok(())
    }

    /// Counts records that are about to be written.
    pub(super) fn add(&self, OutboxCount { records, dropped }: OutboxCount) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    /// Subtracts records that could not be written and are given up.
    pub(super) fn give_up(&self, OutboxCount { records, dropped }: OutboxCount) {
        self.records.fetch_sub(records, Ordering::Relaxed);
        self.dropped.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// Subtracts records that have been removed, of which `dropped` were not delivered.
    pub(super) fn remove(&self, stored: &mut StoredRecords, removed: u64, dropped: u64) {
        // Another replica may have added some of them since the last count.
        let removed = removed.min(stored.0.records);
        stored.0.records -= removed;
        stored.0.dropped += dropped;
        self.records.fetch_sub(removed, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
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

//! The numbers of usage records in the outbox and of dropped ones, and a notification of new records.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::{
    column_values::to_count, database::Pool, failure::StorageFailure, logged_event::LoggedEvent, outbox_drops,
    statement::sql, turn_record::UsageRecord,
};

/// The number of records in the outbox and of dropped ones: those in the database, and those of turns of this process that
/// are not written yet.
///
/// Turns only add to the sums. Whoever changes or counts the database's records holds [`StoredRecords`] meanwhile, so that a
/// count is never mistaken for one before or after another change of this process.
#[derive(Debug, Default)]
pub(super) struct OutboxCounter {
    records: AtomicU64,
    dropped: AtomicU64,
    stored: Mutex<StoredRecords>,
    added: Notify,
}

/// The part of the numbers that is in the database, as far as this process knows: other replicas add and remove records, too.
#[derive(Debug, Default)]
pub(super) struct StoredRecords {
    records: u64,
    dropped: u64,
}

impl StoredRecords {
    /// Adds the records of turns that have been written.
    pub(super) fn add<'a>(&mut self, events: impl Iterator<Item = &'a LoggedEvent>) {
        let (records, dropped) = count_of(events);
        self.records += records;
        self.dropped += dropped;
    }
}

impl OutboxCounter {
    /// Counts the records in the database.
    pub(super) async fn open(read: &Pool) -> Result<Self, StorageFailure> {
        let counter = Self::default();
        counter.recount(&mut *counter.stored().await, read).await?;
        Ok(counter)
    }

    /// Waits until nobody else changes or counts the database's records.
    pub(super) async fn stored(&self) -> MutexGuard<'_, StoredRecords> {
        self.stored.lock().await
    }

    /// Counts the records in the database anew.
    pub(super) async fn recount(&self, stored: &mut StoredRecords, read: &Pool) -> Result<(), StorageFailure> {
        let (records, dropped) = (count(read).await?, outbox_drops::fetch(read).await?);
        // Addition wraps around, so that this also subtracts.
        self.records.fetch_add(records.wrapping_sub(stored.records), Ordering::Relaxed);
        self.dropped.fetch_add(dropped.wrapping_sub(stored.dropped), Ordering::Relaxed);
        *stored = StoredRecords { records, dropped };
        Ok(())
    }

    /// Counts the usage record of a turn that is about to be written.
    pub(super) fn add(&self, record: &UsageRecord) {
        match record {
            UsageRecord::NotDue => {}
            UsageRecord::Queued(_) => drop(self.records.fetch_add(1, Ordering::Relaxed)),
            UsageRecord::Dropped => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Subtracts the records of turns that could not be written and are given up.
    pub(super) fn give_up<'a>(&self, events: impl Iterator<Item = &'a LoggedEvent>) {
        let (records, dropped) = count_of(events);
        self.records.fetch_sub(records, Ordering::Relaxed);
        self.dropped.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// Subtracts records that have been removed, of which `dropped` were not delivered.
    pub(super) fn remove(&self, stored: &mut StoredRecords, removed: u64, dropped: u64) {
        // Another replica may have added some of them since the last count.
        let removed = removed.min(stored.records);
        stored.records -= removed;
        stored.dropped += dropped;
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

/// Returns the numbers of queued and of dropped records of events.
fn count_of<'a>(events: impl Iterator<Item = &'a LoggedEvent>) -> (u64, u64) {
    events.filter_map(LoggedEvent::turn).fold((0, 0), |(records, dropped), turn| match turn.usage_record {
        UsageRecord::NotDue => (records, dropped),
        UsageRecord::Queued(_) => (records + 1, dropped),
        UsageRecord::Dropped => (records, dropped + 1),
    })
}

async fn count(read: &Pool) -> Result<u64, StorageFailure> {
    let (records,): (i64,) = sql("SELECT COUNT(*) FROM papita_outbox").fetch_one(read).await?;
    Ok(to_count(records))
}

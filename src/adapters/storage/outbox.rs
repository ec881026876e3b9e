//! Outboxes: records in the database that wait to be sent, each with its own limit.

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    column_values::{to_integer, to_timestamp},
    database::Pool,
    database_time::DatabaseTime,
    failure::StorageFailure,
    outbox_counter::{OutboxCounter, StoredRecords},
    outbox_destination::Destination,
    outbox_entry::{NewRecord, OutboxEntry},
    outbox_level::FillLevel,
    statement::sql,
};

/// The retention time for which an event is sent again and again. A receiver that is away for longer misses some.
const EVENT_LIFETIME: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The numbers of records that can wait.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Usage records for Papita.
    pub papita: u64,
    /// Events; `None` if none are sent.
    pub events: Option<u64>,
}

/// A record that has not been delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRecord {
    /// The number of the record; records are delivered in ascending order.
    pub id: i64,
    /// The text by which the destination recognizes a record that it gets twice.
    pub key: String,
    /// The record as JSON.
    pub body: String,
    /// The retention time, in microseconds, from which it is not sent any more.
    pub expires_at: Option<i64>,
}

impl fmt::Debug for OutboxRecord {
    /// Leaves the record out, which may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxRecord").field("id", &self.id).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The outbox of one destination. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(super) destination: Destination,
    /// The number of records that can wait; `None` if nothing is to be sent.
    pub(super) limit: Option<u64>,
    pub(super) write: Pool,
    pub(super) read: Pool,
    pub(super) counter: Arc<OutboxCounter>,
    pub(super) level: Arc<FillLevel>,
    pub(super) time: DatabaseTime,
}

impl Outbox {
    /// Returns the entry for a new record. `make` returns its key and its JSON, or `None` if there is none; it is not called if no
    /// records are sent, or too many wait.
    #[must_use]
    pub fn entry(&self, make: impl FnOnce() -> Option<(String, String)>) -> OutboxEntry {
        let Some(limit) = self.limit else { return OutboxEntry::NotDue };
        if !self.has_room(limit) {
            return OutboxEntry::Dropped;
        }
        let record = |(key, body)| OutboxEntry::Queued(NewRecord { key, body, expires_at: self.expiry() });
        make().map_or(OutboxEntry::NotDue, record)
    }

    /// Whether records are sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether there is room for one more record. Warns when the outbox fills up.
    fn has_room(&self, limit: u64) -> bool {
        let waiting = self.waiting();
        self.level.note(self.destination, waiting, limit);
        let has_room = waiting < limit;
        if !has_room && (self.dropped() + 1).is_multiple_of(1000) {
            let (destination, dropped) = (self.destination, self.dropped() + 1);
            tracing::error!(?destination, dropped, "records are dropped, because too many wait for their destination");
        }
        has_room
    }

    /// Returns the retention time, in microseconds, from which a record that is added now is not sent any more.
    pub(super) fn expiry(&self) -> Option<i64> {
        match self.destination {
            Destination::Papita => None,
            Destination::Events => {
                let expiry = to_timestamp(self.time.retention_time()).checked_add(EVENT_LIFETIME);
                Some(expiry.unwrap_or(Timestamp::MAX).as_microsecond())
            }
        }
    }

    /// Counts an entry that was written outside of the transactions of turns, and notifies the sender.
    pub(super) fn note_written(&self, stored: &mut StoredRecords, entry: &OutboxEntry) {
        let written = entry.count();
        self.counter.add(written);
        stored.add(written);
        self.counter.notify();
    }

    /// Returns the number of records that wait, including those that are not written yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.counter.get()
    }

    /// Returns the number of records dropped since the database was made, including those of turns that are not written
    /// yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.counter.dropped()
    }

    /// Counts the records in the database anew.
    pub async fn recount(&self) -> Result<(), StorageFailure> {
        self.counter.recount(&mut *self.counter.stored().await, &self.read).await
    }

    /// Waits until this process has added records since the last call.
    pub async fn changed(&self) {
        self.counter.notified().await;
    }

    /// Whether a record is too old to be sent.
    #[must_use]
    pub fn is_expired(&self, record: &OutboxRecord) -> bool {
        record.expires_at.is_some_and(|expires_at| expires_at <= self.time.retention_time())
    }

    /// Returns the oldest records whose number is greater than `after`, at most `limit`, the oldest first, without those that
    /// are too old to be sent.
    pub async fn records(&self, after: i64, limit: usize) -> Result<Vec<OutboxRecord>, StorageFailure> {
        let statement = sql(self.destination.statements().records).bind(after).bind(to_integer(limit as u64));
        let statement = match self.destination {
            Destination::Papita => statement,
            Destination::Events => statement.bind(self.time.retention_time()),
        };
        let rows: Vec<(i64, String, String, Option<i64>)> = statement.fetch_all(&self.read).await?;
        let record = |(id, key, body, expires_at)| OutboxRecord { id, key, body, expires_at };
        Ok(rows.into_iter().map(record).collect())
    }

    /// Removes the records with these numbers from the outbox, of which `dropped` were not delivered.
    pub async fn remove(&self, ids: &[i64], dropped: u64) -> Result<(), StorageFailure> {
        let mut stored = self.counter.stored().await;
        let mut transaction = self.write.begin().await?;
        let removed = self.destination.statements().delete.execute(ids, &mut transaction).await?;
        self.destination.add_dropped(&mut transaction, dropped).await?;
        transaction.commit().await?;
        self.counter.remove(&mut stored, removed, dropped);
        Ok(())
    }
}

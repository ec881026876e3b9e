//! The outbox of usage records for Papita, and the Papita addresses that have answered before.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::{
    bulk_delete::BulkDelete, column_values::to_integer, failure::StorageFailure, handle::Storage, outbox_drops,
    statement::sql,
};

static DELETE_RECORDS: LazyLock<BulkDelete> = LazyLock::new(|| BulkDelete::new("papita_outbox", "id"));

/// A usage record that has not been delivered to Papita.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRecord {
    /// The number of the record; records are delivered in ascending order.
    pub id: i64,
    /// The id of the request whose usage the record holds.
    pub request_id: String,
    /// The record as JSON.
    pub body: String,
}

impl Storage {
    /// Counts the records in the database anew.
    pub async fn recount_outbox(&self) -> Result<(), StorageFailure> {
        self.outbox.recount(&mut *self.outbox.stored().await, &self.read).await
    }

    /// Returns the number of records, including those of turns that are not written yet.
    #[must_use]
    pub fn outbox_count(&self) -> u64 {
        self.outbox.get()
    }

    /// Returns the number of records dropped since the database was made, including those of turns that are not written
    /// yet.
    #[must_use]
    pub fn outbox_dropped(&self) -> u64 {
        self.outbox.dropped()
    }

    /// Waits until this process has added records since the last call.
    pub async fn outbox_changed(&self) {
        self.outbox.notified().await;
    }

    /// Returns the oldest records whose number is greater than `after`, at most `limit`, the oldest first.
    pub async fn outbox_records(&self, after: i64, limit: usize) -> Result<Vec<OutboxRecord>, StorageFailure> {
        let rows: Vec<(i64, String, String)> =
            sql("SELECT id, request_id, body FROM papita_outbox WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after)
                .bind(to_integer(limit as u64))
                .fetch_all(&self.read)
                .await?;
        let record = |(id, request_id, body)| OutboxRecord { id, request_id, body };
        Ok(rows.into_iter().map(record).collect())
    }

    /// Removes the records with these numbers from the outbox, of which `dropped` were not delivered.
    pub async fn remove_outbox_records(&self, ids: &[i64], dropped: u64) -> Result<(), StorageFailure> {
        let mut stored = self.outbox.stored().await;
        let mut transaction = self.write.begin().await?;
        let removed = DELETE_RECORDS.execute(ids, &mut transaction).await?;
        outbox_drops::add(&mut transaction, dropped).await?;
        transaction.commit().await?;
        self.outbox.remove(&mut stored, removed, dropped);
        Ok(())
    }

    /// Returns whether the Papita at an address has ever answered.
    pub async fn has_papita_answered(&self, url: &str) -> Result<bool, StorageFailure> {
        let row: Option<(i64,)> =
            sql("SELECT answered_at FROM papita_contacts WHERE url = $1").bind(url).fetch_optional(&self.read).await?;
        Ok(row.is_some())
    }

    /// Stores that the Papita at an address has answered.
    pub async fn record_papita_answer(&self, url: &str, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO papita_contacts (url, answered_at) VALUES ($1, $2) ON CONFLICT (url) DO NOTHING")
            .bind(url)
            .bind(now.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

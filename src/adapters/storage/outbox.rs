//! Usage records on their way to Papita, and which brokers have ever answered.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    Storage, StorageFailure, count,
    database::{Pool, sql},
    number,
};

/// One usage record that waits to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRecord {
    /// Its place in the queue; later ones are greater.
    pub id: i64,
    /// The request whose usage it tells.
    pub request_id: String,
    /// The record, as JSON.
    pub body: String,
}

/// How many records wait, and the news that there are more.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: AtomicU64,
    more: Notify,
}

impl Outbox {
    pub(super) async fn open(read: &Pool) -> Result<Self, StorageFailure> {
        Ok(Self { waiting: AtomicU64::new(waiting(read).await?), more: Notify::new() })
    }

    /// Records are on their way into the queue.
    pub(super) fn expect(&self, records: usize) {
        self.waiting.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Records may have come into the queue.
    pub(super) fn announce(&self) {
        self.more.notify_one();
    }
}

async fn waiting(read: &Pool) -> Result<u64, StorageFailure> {
    let (waiting,): (i64,) = sql("SELECT COUNT(*) FROM papita_outbox").fetch_one(read).await?;
    Ok(count(waiting))
}

impl Storage {
    /// Counts anew how many records wait, where other replicas add and remove some, too.
    pub async fn refresh_outbox_count(&self) -> Result<(), StorageFailure> {
        if self.is_shared() {
            self.outbox.waiting.store(waiting(&self.read).await?, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How many records wait, those on their way into the queue included.
    #[must_use]
    pub fn outbox_count(&self) -> u64 {
        self.outbox.waiting.load(Ordering::Relaxed)
    }

    /// Resolves when records have been added since the last time.
    pub async fn outbox_changed(&self) {
        self.outbox.more.notified().await;
    }

    /// The `most` oldest records, oldest first.
    pub async fn next_outbox_records(&self, most: u64) -> Result<Vec<OutboxRecord>, StorageFailure> {
        let rows: Vec<(i64, String, String)> =
            sql("SELECT id, request_id, body FROM papita_outbox ORDER BY id LIMIT $1")
                .bind(number(most))
                .fetch_all(&self.read)
                .await?;
        let posting = |(id, request_id, body)| OutboxRecord { id, request_id, body };
        Ok(rows.into_iter().map(posting).collect())
    }

    /// Removes records that are done with.
    pub async fn remove_outbox_records(&self, postings: &[OutboxRecord]) -> Result<(), StorageFailure> {
        let mut work = self.write.begin().await?;
        let mut removed = 0;
        // One by one: between those that were read, others may have come in the meantime.
        for OutboxRecord { id, .. } in postings {
            removed += sql("DELETE FROM papita_outbox WHERE id = $1").bind(*id).execute(&mut work).await?;
        }
        work.commit().await?;
        let less = |waiting: u64| Some(waiting.saturating_sub(removed));
        // It never refuses.
        let _ = self.outbox.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        Ok(())
    }

    /// Whether the broker at this address has ever answered.
    pub async fn has_papita_answered(&self, url: &str) -> Result<bool, StorageFailure> {
        let met: Option<(i64,)> =
            sql("SELECT answered_at FROM papita_contacts WHERE url = $1").bind(url).fetch_optional(&self.read).await?;
        Ok(met.is_some())
    }

    /// Remembers that the broker at this address has answered.
    pub async fn record_papita_answer(&self, url: &str, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO papita_contacts (url, answered_at) VALUES ($1, $2) ON CONFLICT (url) DO NOTHING")
            .bind(url)
            .bind(now.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

//! Events that are not stored with a turn or the stop of a session, and the removal of old events.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    failure::StorageFailure, handle::Storage, outbox_destination::Destination, outbox_entry::NewRecord, outboxes,
    statement::sql,
};

/// An event that is queued once only.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The webhook id.
    pub key: String,
    /// The event as JSON.
    pub body: String,
    /// The name by which the database recognizes what was reported before.
    pub mark: String,
    /// For how long, in retention time, it is not reported again.
    pub lasts: Duration,
}

/// What has become of an event that is to wait once only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuedOnce {
    /// It waits from now on.
    Queued,
    /// The same waits already.
    Waits,
    /// Too many events wait.
    Full,
}

impl Storage {
    /// Queues an event. If the same waits already, that one waits for as long as a new one.
    pub async fn queue_waiting_once(
        &self,
        key: String,
        body: String,
        same_as: &str,
    ) -> Result<QueuedOnce, StorageFailure> {
        let outbox = self.outbox(Destination::Events);
        let mut stored = outbox.counter.stored().await;
        let renewed = sql("UPDATE event_outbox SET expires_at = $1 WHERE same_as = $2")
            .bind(outbox.expiry())
            .bind(same_as)
            .execute(&self.write)
            .await?;
        if renewed > 0 {
            return Ok(QueuedOnce::Waits);
        }
        let entry = outbox.entry(|| Some((key, body)));
        let Some(NewRecord { key, body, expires_at }) = entry.queued() else { return Ok(QueuedOnce::Full) };
        let inserted = sql("INSERT INTO event_outbox (webhook_id, body, expires_at, same_as) VALUES ($1, $2, $3, $4)
             ON CONFLICT (same_as) DO NOTHING")
        .bind(key)
        .bind(body)
        .bind(*expires_at)
        .bind(same_as)
        .execute(&self.write)
        .await?;
        if inserted == 0 {
            return Ok(QueuedOnce::Waits);
        }
        outbox.note_written(&mut stored, &entry);
        Ok(QueuedOnce::Queued)
    }

    /// Queues an event, unless the same was reported before, here or by another replica.
    pub async fn queue_event_once(&self, event: &NewEvent) -> Result<(), StorageFailure> {
        let outbox = self.outbox(Destination::Events);
        if !outbox.is_open() {
            return Ok(());
        }
        let mut stored = outbox.counter.stored().await;
        let mut transaction = self.write.begin().await?;
        let expiry = self.retention_time().checked_add(event.lasts).unwrap_or(Timestamp::MAX);
        let marked = sql("INSERT INTO event_marks (name, expires_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(&event.mark)
            .bind(expiry.as_microsecond())
            .execute(&mut transaction)
            .await?;
        if marked == 0 {
            return transaction.rollback().await;
        }
        let entry = outbox.entry(|| Some((event.key.clone(), event.body.clone())));
        outboxes::insert(&mut transaction, &std::iter::once((Destination::Events, &entry))).await?;
        transaction.commit().await?;
        outbox.note_written(&mut stored, &entry);
        Ok(())
    }

    /// Removes events that are too old to be sent. Returns their number.
    pub async fn expire_events(&self) -> Result<u64, StorageFailure> {
        let now = self.retention_time().as_microsecond();
        let outbox = self.outbox(Destination::Events);
        let mut stored = outbox.counter.stored().await;
        let mut transaction = self.write.begin().await?;
        let expired =
            sql("DELETE FROM event_outbox WHERE expires_at <= $1").bind(now).execute(&mut transaction).await?;
        outbox.destination.add_dropped(&mut transaction, expired).await?;
        sql("DELETE FROM event_marks WHERE expires_at <= $1").bind(now).execute(&mut transaction).await?;
        transaction.commit().await?;
        outbox.counter.remove(&mut stored, expired, expired);
        Ok(expired)
    }
}

//! Visitors: owners without an account, identified by the hash of a token. Each has one chat.

use jiff::Timestamp;

use super::{
    bulk_delete,
    column_values::{to_integer, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    ids::ChatId,
    statement::sql,
};
use crate::domain::{account::OwnerId, title::Title};

/// A visitor and the visitor's chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The owner id of the visitor.
    pub owner: OwnerId,
    /// The number of the visitor's chat.
    pub chat: ChatId,
    /// The retention time of the visitor's last request that was stored; not every request is.
    pub seen_at: Timestamp,
}

type VisitorRow = (i64, i64, i64);

fn visitor((owner, chat, seen_at): VisitorRow) -> Visitor {
    Visitor { owner: OwnerId(owner), chat: ChatId(chat), seen_at: to_timestamp(seen_at) }
}

impl Storage {
    /// Returns the visitor whose token has this hash.
    pub async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StorageFailure> {
        let row: Option<VisitorRow> = sql("SELECT owner_id, chat_id, seen_at FROM visitors WHERE token_hash = $1")
            .bind(token_hash)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(visitor))
    }

    /// Stores a new visitor with an empty chat. `None` if the token belongs to a visitor already.
    pub async fn add_visitor(&self, token_hash: &str, now: Timestamp) -> Result<Option<Visitor>, StorageFailure> {
        let seen_at = self.time.retention_time();
        let mut transaction = self.write.begin().await?;
        let (owner,): (i64,) =
            sql("INSERT INTO owners DEFAULT VALUES RETURNING id").fetch_one(&mut transaction).await?;
        let (chat,): (i64,) = sql("INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at)
             VALUES ($1, $2, 0, $3, $3) RETURNING id")
        .bind(owner)
        .bind(Title::NEW)
        .bind(now.as_microsecond())
        .fetch_one(&mut transaction)
        .await?;
        let inserted = sql("INSERT INTO visitors (owner_id, token_hash, chat_id, seen_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (token_hash) DO NOTHING")
        .bind(owner)
        .bind(token_hash)
        .bind(chat)
        .bind(seen_at)
        .execute(&mut transaction)
        .await?;
        if inserted == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(visitor((owner, chat, seen_at))))
    }

    /// Sets the time of a visitor's last request to now. Returns whether the visitor still exists.
    pub async fn touch_visitor(&self, owner: OwnerId) -> Result<bool, StorageFailure> {
        let seen = sql("UPDATE visitors SET seen_at = $2 WHERE owner_id = $1").bind(owner.0);
        Ok(seen.bind(self.time.retention_time()).execute(&self.write).await? > 0)
    }

    /// Returns visitors without a request since a time, at most `limit`. Leaves out those with a pending question.
    pub async fn inactive_visitors(&self, since: Timestamp, limit: u64) -> Result<Vec<Visitor>, StorageFailure> {
        let rows: Vec<VisitorRow> = sql("SELECT owner_id, chat_id, seen_at FROM visitors
             WHERE seen_at < $1
               AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.chat_id = visitors.chat_id AND status = 'pending')
             ORDER BY seen_at LIMIT $2")
        .bind(since.as_microsecond())
        .bind(to_integer(limit))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(visitor).collect())
    }

    /// Deletes a visitor without a request since a time, with chat and messages. Messages are deleted in batches, so that
    /// other statements can run in between. (A visitor who returns at that moment loses some messages.)
    pub async fn purge_visitor(&self, gone: &Visitor, since: Timestamp) -> Result<(), StorageFailure> {
        bulk_delete::in_batches(&self.write, |limit| {
            sql("DELETE FROM messages WHERE id IN (
                     SELECT id FROM messages WHERE chat_id = $1 AND owner_id = $2 ORDER BY turn, id LIMIT $3)")
            .bind(gone.chat.0)
            .bind(gone.owner.0)
            .bind(limit)
        })
        .await?;
        sql("DELETE FROM owners WHERE id = $1
             AND EXISTS (SELECT 1 FROM visitors WHERE owner_id = $1 AND seen_at < $2)")
        .bind(gone.owner.0)
        .bind(since.as_microsecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }
}

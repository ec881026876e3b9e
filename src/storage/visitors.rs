//! Owners without an account: visitors, of whom a token's hash is known and nothing else. Each has one chat.

use jiff::Timestamp;

use super::{ChatId, Storage, StorageFailure, database::sql, moment, number};
use crate::{account::OwnerId, title::Title};

/// Somebody without an account, and the chat that is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Whom the chat belongs to.
    pub owner: OwnerId,
    /// The chat.
    pub chat: ChatId,
    /// When the visitor was here last, as far as it was noted.
    pub seen_at: Timestamp,
}

type Row = (i64, i64, i64);

fn visitor((owner, chat, seen_at): Row) -> Visitor {
    Visitor { owner: OwnerId(owner), chat: ChatId(chat), seen_at: moment(seen_at) }
}

impl Storage {
    /// The visitor whose token has this hash.
    pub async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StorageFailure> {
        let row: Option<Row> = sql("SELECT owner_id, chat_id, seen_at FROM visitors WHERE token_hash = $1")
            .bind(token_hash)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(visitor))
    }

    /// Keeps a new visitor, with a chat to talk in. `None` when there is one of this token already.
    pub async fn add_visitor(&self, token_hash: &str, now: Timestamp) -> Result<Option<Visitor>, StorageFailure> {
        let mut work = self.write.begin().await?;
        let (owner,): (i64,) = sql("INSERT INTO owners DEFAULT VALUES RETURNING id").fetch_one(&mut work).await?;
        let (chat,): (i64,) = sql("INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at)
             VALUES ($1, $2, 0, $3, $3) RETURNING id")
        .bind(owner)
        .bind(Title::NEW)
        .bind(now.as_microsecond())
        .fetch_one(&mut work)
        .await?;
        let kept = sql("INSERT INTO visitors (owner_id, token_hash, chat_id, seen_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (token_hash) DO NOTHING")
        .bind(owner)
        .bind(token_hash)
        .bind(chat)
        .bind(now.as_microsecond())
        .execute(&mut work)
        .await?;
        if kept == 0 {
            work.rollback().await?;
            return Ok(None);
        }
        work.commit().await?;
        Ok(Some(visitor((owner, chat, now.as_microsecond()))))
    }

    /// Notes that a visitor was here. Returns whether there still is one.
    pub async fn see_visitor(&self, owner: OwnerId, now: Timestamp) -> Result<bool, StorageFailure> {
        let seen = sql("UPDATE visitors SET seen_at = $2 WHERE owner_id = $1").bind(owner.0);
        Ok(seen.bind(now.as_microsecond()).execute(&self.write).await? > 0)
    }

    /// Removes visitors who were not here since, at most so many, with all that is theirs. Returns how many.
    pub async fn forget_visitors(&self, before: Timestamp, most: u64) -> Result<u64, StorageFailure> {
        sql("DELETE FROM owners WHERE id IN (
                 SELECT owner_id FROM visitors WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)")
        .bind(before.as_microsecond())
        .bind(number(most))
        .execute(&self.write)
        .await
    }
}

//! Owners without an account: visitors, of whom a token's hash is known and nothing else. Each has one chat.

use jiff::Timestamp;

use super::{ChatId, Storage, StorageFailure, database::sql, moment, number};
use crate::domain::{account::OwnerId, title::Title};

/// Messages removed at once.
const PIECE: u64 = 1000;

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
    pub async fn touch_visitor(&self, owner: OwnerId, now: Timestamp) -> Result<bool, StorageFailure> {
        let seen = sql("UPDATE visitors SET seen_at = $2 WHERE owner_id = $1").bind(owner.0);
        Ok(seen.bind(now.as_microsecond()).execute(&self.write).await? > 0)
    }

    /// Visitors who were not here since, at most so many, save for those who wait for an answer.
    pub async fn inactive_visitors(&self, since: Timestamp, most: u64) -> Result<Vec<Visitor>, StorageFailure> {
        let rows: Vec<Row> = sql("SELECT owner_id, chat_id, seen_at FROM visitors
             WHERE seen_at < $1
               AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.chat_id = visitors.chat_id AND status = 'pending')
             ORDER BY seen_at LIMIT $2")
        .bind(since.as_microsecond())
        .bind(number(most))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(visitor).collect())
    }

    /// Removes a visitor who was not here since, with all that is theirs. Somebody who said much goes piece by piece: others
    /// want to write meanwhile. (Who comes back in just that moment misses a part.)
    pub async fn purge_visitor(&self, gone: &Visitor, since: Timestamp) -> Result<(), StorageFailure> {
        loop {
            let piece = sql("DELETE FROM messages WHERE id IN (
                     SELECT id FROM messages WHERE chat_id = $1 AND owner_id = $2 ORDER BY turn, id LIMIT $3)")
            .bind(gone.chat.0)
            .bind(gone.owner.0)
            .bind(number(PIECE))
            .execute(&self.write)
            .await?;
            if piece < PIECE {
                break;
            }
        }
        sql("DELETE FROM owners WHERE id = $1
             AND EXISTS (SELECT 1 FROM visitors WHERE owner_id = $1 AND seen_at < $2)")
        .bind(gone.owner.0)
        .bind(since.as_microsecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }
}

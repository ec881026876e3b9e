//! Stored chats. Every statement names the owner: what is somebody else's isn't found.

use jiff::Timestamp;

use super::{Storage, StorageFailure, count, database::sql, moment, number};
use crate::domain::{account::OwnerId, title::Title};

/// A stored chat's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChatId(pub i64);

/// A stored chat, without what was said in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChat {
    /// Its number.
    pub id: ChatId,
    /// What it is called.
    pub title: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When something was said in it last, or it was renamed or cleared.
    pub updated_at: Timestamp,
    /// Messages of both sides.
    pub message_count: u64,
    /// Who speaks in it, if not the model as it is.
    pub persona: Option<String>,
}

/// A place in a list: what its last row on a page is ordered by. The next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub i64, pub i64);

impl Cursor {
    /// In front of all rows.
    pub const START: Self = Self(i64::MAX, i64::MAX);
}

impl StoredChat {
    /// Its place in the list of its owner's chats.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.updated_at.as_microsecond(), self.id.0)
    }
}

type Row = (i64, String, i64, i64, i64, Option<String>);

fn chat((id, title, created_at, updated_at, message_count, persona): Row) -> StoredChat {
    StoredChat {
        id: ChatId(id),
        title,
        created_at: moment(created_at),
        updated_at: moment(updated_at),
        message_count: count(message_count),
        persona,
    }
}

impl Storage {
    /// Begins a chat, in which this persona speaks. Without a title, its first message will give it one. `None` when the
    /// owner is gone.
    pub async fn create_chat(
        &self,
        owner: OwnerId,
        title: Option<&Title>,
        persona: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<StoredChat>, StorageFailure> {
        let row: Option<Row> = sql("INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at, persona)
             SELECT id, $2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS TEXT)
             FROM owners WHERE id = $1
             RETURNING id, title, created_at, updated_at, message_count, persona")
        .bind(owner.0)
        .bind(title.map_or(Title::NEW, Title::as_str))
        .bind(i64::from(title.is_some()))
        .bind(now.as_microsecond())
        .bind(persona)
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(chat))
    }

    /// The owner's chats behind this place in their list, at most so many, the latest first.
    pub async fn chats(&self, owner: OwnerId, behind: Cursor, most: u64) -> Result<Vec<StoredChat>, StorageFailure> {
        let rows: Vec<Row> = sql("SELECT id, title, created_at, updated_at, message_count, persona FROM chats
             WHERE owner_id = $1 AND (updated_at, id) < ($2, $3)
             ORDER BY updated_at DESC, id DESC LIMIT $4")
        .bind(owner.0)
        .bind(behind.0)
        .bind(behind.1)
        .bind(number(most))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(chat).collect())
    }

    /// One of the owner's chats.
    pub async fn chat(&self, owner: OwnerId, id: ChatId) -> Result<Option<StoredChat>, StorageFailure> {
        let row: Option<Row> = sql("SELECT id, title, created_at, updated_at, message_count, persona FROM chats
             WHERE id = $1 AND owner_id = $2")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.map(chat))
    }

    /// Gives one of the owner's chats another title.
    pub async fn rename_chat(
        &self,
        owner: OwnerId,
        id: ChatId,
        title: &Title,
        now: Timestamp,
    ) -> Result<Option<StoredChat>, StorageFailure> {
        let row: Option<Row> = sql("UPDATE chats SET title = $3, is_titled = 1, updated_at = $4
             WHERE id = $1 AND owner_id = $2 RETURNING id, title, created_at, updated_at, message_count, persona")
        .bind(id.0)
        .bind(owner.0)
        .bind(title.as_str())
        .bind(now.as_microsecond())
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(chat))
    }

    /// Removes one of the owner's chats, with all that was said in it. Returns whether there was one.
    pub async fn delete_chat(&self, owner: OwnerId, id: ChatId) -> Result<bool, StorageFailure> {
        let deleted = sql("DELETE FROM chats WHERE id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        Ok(deleted.execute(&self.write).await? > 0)
    }

    /// Removes all that was said in one of the owner's chats. Returns whether there is such a chat.
    pub async fn clear_chat(&self, owner: OwnerId, id: ChatId, now: Timestamp) -> Result<bool, StorageFailure> {
        let mut work = self.write.begin().await?;
        // The chat before its messages, here and wherever both change: crosswise, two would wait for each other.
        let found = sql("UPDATE chats SET message_count = 0, updated_at = $3 WHERE id = $1 AND owner_id = $2")
            .bind(id.0)
            .bind(owner.0)
            .bind(now.as_microsecond())
            .execute(&mut work)
            .await?;
        if found == 0 {
            work.rollback().await?;
            return Ok(false);
        }
        let cleared = sql("DELETE FROM messages WHERE chat_id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        cleared.execute(&mut work).await?;
        work.commit().await?;
        Ok(true)
    }
}

//! Stored chats. Every statement has the owner as a condition, so that the chats of other owners are not found.

use jiff::Timestamp;

use super::{
    column_values::{to_count, to_integer, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    ids::ChatId,
    statement::sql,
};
use crate::domain::{account::OwnerId, title::Title};

/// The result of the creation of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatCreation {
    /// The new chat.
    Created(StoredChat),
    /// The owner has as many chats as may be stored.
    TooMany,
    /// The owner does not exist any more.
    NoOwner,
}

/// A stored chat, without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChat {
    /// The number of the chat.
    pub id: ChatId,
    /// The title of the chat.
    pub title: String,
    /// The time at which the chat was created.
    pub created_at: Timestamp,
    /// The time of the last message, or of a later renaming or clearing of the chat.
    pub updated_at: Timestamp,
    /// The number of messages, of user and bot together.
    pub message_count: u64,
    /// The id of the persona that answers; `None` for the model without a persona.
    pub persona: Option<String>,
}

pub(super) type ChatRow = (i64, String, i64, i64, i64, Option<String>);

pub(super) fn chat((id, title, created_at, updated_at, message_count, persona): ChatRow) -> StoredChat {
    StoredChat {
        id: ChatId(id),
        title,
        created_at: to_timestamp(created_at),
        updated_at: to_timestamp(updated_at),
        message_count: to_count(message_count),
        persona,
    }
}

impl Storage {
    /// Creates a chat with a persona, unless the owner has `max_chats` already. A chat without a title gets one from its first
    /// message.
    pub async fn create_chat(
        &self,
        owner: OwnerId,
        title: Option<&Title>,
        persona: Option<&str>,
        now: Timestamp,
        max_chats: u64,
    ) -> Result<ChatCreation, StorageFailure> {
        let row: Option<ChatRow> =
            sql("INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at, persona)
             SELECT id, $2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS TEXT)
             FROM owners WHERE id = $1 AND chats < $6
             RETURNING id, title, created_at, updated_at, message_count, persona")
            .bind(owner.0)
            .bind(title.map_or(Title::NEW, Title::as_str))
            .bind(i64::from(title.is_some()))
            .bind(now.as_microsecond())
            .bind(persona)
            .bind(to_integer(max_chats))
            .fetch_optional(&self.write)
            .await?;
        if let Some(row) = row {
            return Ok(ChatCreation::Created(chat(row)));
        }
        let owner: Option<(i64,)> =
            sql("SELECT chats FROM owners WHERE id = $1").bind(owner.0).fetch_optional(&self.write).await?;
        Ok(owner.map_or(ChatCreation::NoOwner, |_| ChatCreation::TooMany))
    }

    /// Returns one of an owner's chats.
    pub async fn chat(&self, owner: OwnerId, id: ChatId) -> Result<Option<StoredChat>, StorageFailure> {
        let row: Option<ChatRow> = sql("SELECT id, title, created_at, updated_at, message_count, persona FROM chats
             WHERE id = $1 AND owner_id = $2")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.map(chat))
    }

    /// Changes the title of one of an owner's chats. `None` if there is no such chat.
    pub async fn rename_chat(
        &self,
        owner: OwnerId,
        id: ChatId,
        title: &Title,
        now: Timestamp,
    ) -> Result<Option<StoredChat>, StorageFailure> {
        let row: Option<ChatRow> = sql("UPDATE chats SET title = $3, is_titled = 1, updated_at = $4
             WHERE id = $1 AND owner_id = $2 RETURNING id, title, created_at, updated_at, message_count, persona")
        .bind(id.0)
        .bind(owner.0)
        .bind(title.as_str())
        .bind(now.as_microsecond())
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(chat))
    }

    /// Deletes one of an owner's chats with its messages, and erases their texts in the session log. Returns whether there was
    /// such a chat.
    pub async fn delete_chat(&self, owner: OwnerId, id: ChatId) -> Result<bool, StorageFailure> {
        let clear = self.content_keys.clear_at_end();
        let deleted = sql("DELETE FROM chats WHERE id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        let is_deleted = deleted.execute(&self.write).await? > 0;
        if !is_deleted {
            clear.cancel();
        }
        Ok(is_deleted)
    }

    /// Deletes all messages of one of an owner's chats, and erases their texts in the session log. Returns whether there is
    /// such a chat.
    pub async fn clear_chat(&self, owner: OwnerId, id: ChatId, now: Timestamp) -> Result<bool, StorageFailure> {
        let clear = self.content_keys.clear_at_end();
        let mut transaction = self.write.begin().await?;
        // Every transaction changes the chat before its messages, so that transactions cannot deadlock.
        let found = sql("UPDATE chats SET message_count = 0, updated_at = $3 WHERE id = $1 AND owner_id = $2")
            .bind(id.0)
            .bind(owner.0)
            .bind(now.as_microsecond())
            .execute(&mut transaction)
            .await?;
        if found == 0 {
            transaction.rollback().await?;
            clear.cancel();
            return Ok(false);
        }
        let cleared = sql("DELETE FROM messages WHERE chat_id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        cleared.execute(&mut transaction).await?;
        let keys = sql("DELETE FROM content_keys WHERE chat_id = $1").bind(id.0).execute(&mut transaction).await?;
        transaction.commit().await?;
        if keys == 0 {
            clear.cancel();
        }
        Ok(true)
    }
}

//! Reads and deletes the messages of stored chats. Every statement has the owner as a condition.

use super::{
    column_values::{to_count, to_integer},
    failure::StorageFailure,
    handle::Storage,
    ids::{ChatId, Cursor, MessageId},
    statement::sql,
    stored_message::{HistoryMessage, MessageRow, Sender, StoredMessage, message},
};
use crate::domain::account::OwnerId;

impl Storage {
    /// Returns one of an owner's messages with its image.
    pub async fn message(&self, owner: OwnerId, id: MessageId) -> Result<Option<StoredMessage>, StorageFailure> {
        let row: Option<MessageRow> =
            sql("SELECT id, chat_id, turn, sender, status, text, image_bytes, sources, created_at
             FROM messages WHERE id = $1 AND owner_id = $2")
            .bind(id.0)
            .bind(owner.0)
            .fetch_optional(&self.read)
            .await?;
        let Some(mut found) = row.map(message) else { return Ok(None) };
        if found.image_bytes > 0 {
            found.image = self.image(owner, id).await?;
        }
        Ok(Some(found))
    }

    /// Returns the complete messages of one of an owner's chats before a position, at most `limit`, the latest first, without
    /// their images.
    pub async fn history(
        &self,
        owner: OwnerId,
        chat: ChatId,
        before: Cursor,
        limit: u64,
    ) -> Result<Vec<HistoryMessage>, StorageFailure> {
        let rows: Vec<(i64, i64, String, String, i64)> = sql("SELECT turn, id, sender, text, image_bytes FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) < ($3, $4) AND status = 'complete'
             ORDER BY turn DESC, id DESC LIMIT $5")
        .bind(chat.0)
        .bind(owner.0)
        .bind(before.0)
        .bind(before.1)
        .bind(to_integer(limit))
        .fetch_all(&self.read)
        .await?;
        let message = |(turn, id, sender, text, image_bytes): (i64, i64, String, String, i64)| HistoryMessage {
            id: MessageId(id),
            cursor: Cursor(turn, id),
            sender: Sender::parse(&sender),
            text,
            image_bytes: to_count(image_bytes),
        };
        Ok(rows.into_iter().map(message).collect())
    }

    /// Returns the URL of the image attached to one of an owner's messages.
    pub async fn image(&self, owner: OwnerId, message: MessageId) -> Result<Option<String>, StorageFailure> {
        let image: Option<(String,)> = sql("SELECT i.url FROM message_images i JOIN messages m ON m.id = i.message_id
             WHERE i.message_id = $1 AND m.owner_id = $2")
        .bind(message.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        Ok(image.map(|(url,)| url))
    }

    /// Deletes one of an owner's messages. Returns whether there was such a message.
    pub async fn delete_message(&self, owner: OwnerId, id: MessageId) -> Result<bool, StorageFailure> {
        let mut transaction = self.write.begin().await?;
        let counted = sql("UPDATE chats SET message_count = message_count - 1
             WHERE id = (SELECT chat_id FROM messages WHERE id = $1 AND owner_id = $2)")
        .bind(id.0)
        .bind(owner.0)
        .execute(&mut transaction)
        .await?;
        let deletion = sql("DELETE FROM messages WHERE id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        // Another transaction may have deleted the message between the two statements.
        let is_deleted = counted > 0 && deletion.execute(&mut transaction).await? > 0;
        if is_deleted {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(is_deleted)
    }
}

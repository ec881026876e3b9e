//! Inserts messages into stored chats.

use jiff::Timestamp;

use super::{
    column_values::to_integer,
    database::Transaction,
    failure::StorageFailure,
    ids::{ChatId, MessageId},
    search_index, source_column,
    statement::sql,
    stored_message::{MessageStatus, Sender},
};
use crate::domain::{account::OwnerId, prompt::Source};

/// The columns of a message to be inserted.
pub(super) struct NewMessage<'a> {
    pub(super) owner: OwnerId,
    pub(super) chat: ChatId,
    pub(super) turn: i64,
    pub(super) sender: Sender,
    pub(super) status: MessageStatus,
    pub(super) text: &'a str,
    /// The URL of the attached image.
    pub(super) image: Option<&'a str>,
    /// The pages that an answer is based on.
    pub(super) sources: &'a [Source],
    pub(super) request_id: &'a str,
    /// The id of the replica that runs the message's turn; only for a pending message.
    pub(super) replica: Option<&'a str>,
    pub(super) created_at: Timestamp,
}

impl NewMessage<'_> {
    /// Inserts the message, its image and its search terms. `None` if the message is pending and another message of the
    /// chat is pending already.
    pub(super) async fn insert(&self, transaction: &mut Transaction) -> Result<Option<MessageId>, StorageFailure> {
        let inserted: Option<(i64,)> = sql(
            "INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, replica,
                                   created_at, sources)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (chat_id) WHERE status = 'pending' DO NOTHING RETURNING id",
        )
        .bind(self.chat.0)
        .bind(self.owner.0)
        .bind(self.turn)
        .bind(self.sender.as_str())
        .bind(self.status.as_str())
        .bind(self.text)
        .bind(to_integer(self.image.map_or(0, str::len) as u64))
        .bind(self.request_id)
        .bind(self.replica)
        .bind(self.created_at.as_microsecond())
        .bind(source_column::to_json(self.sources))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((id,)) = inserted else { return Ok(None) };
        if let Some(url) = self.image {
            let image = sql("INSERT INTO message_images (message_id, url) VALUES ($1, $2)").bind(id).bind(url);
            image.execute(&mut *transaction).await?;
        }
        search_index::insert(transaction, self.owner, MessageId(id), self.text).await?;
        Ok(Some(MessageId(id)))
    }
}

/// Replaces the text of one of an owner's messages, with its words in the index and its share of what the owner has stored.
pub(super) async fn replace_text(
    transaction: &mut Transaction,
    owner: OwnerId,
    id: MessageId,
    text: &str,
) -> Result<(), StorageFailure> {
    sql("UPDATE owners SET stored_bytes = stored_bytes + octet_length(CAST($3 AS TEXT))
             - (SELECT octet_length(text) FROM messages WHERE id = $1)
         WHERE id = $2")
    .bind(id.0)
    .bind(owner.0)
    .bind(text)
    .execute(&mut *transaction)
    .await?;
    sql("UPDATE messages SET text = $2 WHERE id = $1").bind(id.0).bind(text).execute(&mut *transaction).await?;
    search_index::replace(transaction, owner, id, text).await
}

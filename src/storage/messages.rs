//! What was said in stored chats. Every statement names the owner.

use jiff::Timestamp;

use super::{
    ChatId, Cursor, Storage, StorageFailure,
    database::{Work, sql},
    moment, number,
};
use crate::account::OwnerId;

/// A message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub i64);

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The chat's owner.
    User,
    /// The model.
    Bot,
}

impl Sender {
    /// The name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
        }
    }
}

/// What became of a message. A bot's is always complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It was said, and answered.
    Complete,
    /// It is being answered.
    Pending,
    /// It was not answered, and can be tried again.
    Failed,
}

impl MessageStatus {
    /// The name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// A message of a stored chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its number.
    pub id: MessageId,
    /// The chat it belongs to.
    pub chat: ChatId,
    /// The number of its turn in the chat.
    pub turn: i64,
    /// Who said it.
    pub sender: Sender,
    /// What became of it.
    pub status: MessageStatus,
    /// What was said.
    pub text: String,
    /// The address of a picture that was shown with it.
    pub image: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl StoredMessage {
    /// Its place in the list of its chat's messages.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.turn, self.id.0)
    }
}

type Row = (i64, i64, i64, String, String, String, Option<String>, i64);

pub(super) fn message((id, chat, turn, sender, status, text, image, created_at): Row) -> StoredMessage {
    StoredMessage {
        id: MessageId(id),
        chat: ChatId(chat),
        turn,
        sender: if sender == Sender::User.as_str() { Sender::User } else { Sender::Bot },
        status: match status.as_str() {
            "pending" => MessageStatus::Pending,
            "failed" => MessageStatus::Failed,
            _ => MessageStatus::Complete,
        },
        text,
        image,
        created_at: moment(created_at),
    }
}

/// A message that was answered, to be told to a model again.
#[derive(Clone, Debug)]
pub struct SaidBefore {
    /// Its number.
    pub id: MessageId,
    /// Its place among the others.
    pub cursor: Cursor,
    /// Who said it.
    pub sender: Sender,
    /// What was said.
    pub text: String,
    /// Whether a picture was shown with it.
    pub has_image: bool,
}

impl Storage {
    /// The messages of one of the owner's chats in front of this place, at most so many, the latest first. None if the chat
    /// is somebody else's.
    pub async fn messages(
        &self,
        owner: OwnerId,
        chat: ChatId,
        before: Cursor,
        most: u64,
    ) -> Result<Vec<StoredMessage>, StorageFailure> {
        let rows: Vec<Row> = sql("SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, i.url, m.created_at
             FROM messages m LEFT JOIN message_images i ON i.message_id = m.id AND m.has_image = 1
             WHERE m.chat_id = $1 AND m.owner_id = $2 AND (m.turn, m.id) < ($3, $4)
             ORDER BY m.turn DESC, m.id DESC LIMIT $5")
        .bind(chat.0)
        .bind(owner.0)
        .bind(before.0)
        .bind(before.1)
        .bind(number(most))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(message).collect())
    }

    /// One of the owner's messages.
    pub async fn message(&self, owner: OwnerId, id: MessageId) -> Result<Option<StoredMessage>, StorageFailure> {
        let row: Option<Row> = sql("SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, i.url, m.created_at
             FROM messages m LEFT JOIN message_images i ON i.message_id = m.id AND m.has_image = 1
             WHERE m.id = $1 AND m.owner_id = $2")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.map(message))
    }

    /// What was said, and answered, in one of the owner's chats in front of this place; the latest first, and without
    /// the pictures, which are large.
    pub async fn said_before(
        &self,
        owner: OwnerId,
        chat: ChatId,
        before: Cursor,
        most: u64,
    ) -> Result<Vec<SaidBefore>, StorageFailure> {
        let rows: Vec<(i64, i64, String, String, i64)> = sql("SELECT turn, id, sender, text, has_image FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) < ($3, $4) AND status = 'complete'
             ORDER BY turn DESC, id DESC LIMIT $5")
        .bind(chat.0)
        .bind(owner.0)
        .bind(before.0)
        .bind(before.1)
        .bind(number(most))
        .fetch_all(&self.read)
        .await?;
        let said = |(turn, id, sender, text, has_image): (i64, i64, String, String, i64)| SaidBefore {
            id: MessageId(id),
            cursor: Cursor(turn, id),
            sender: if sender == Sender::User.as_str() { Sender::User } else { Sender::Bot },
            text,
            has_image: has_image != 0,
        };
        Ok(rows.into_iter().map(said).collect())
    }

    /// The picture that was shown with one of the owner's messages.
    pub async fn image(&self, owner: OwnerId, message: MessageId) -> Result<Option<String>, StorageFailure> {
        let image: Option<(String,)> = sql("SELECT i.url FROM message_images i JOIN messages m ON m.id = i.message_id
             WHERE i.message_id = $1 AND m.owner_id = $2")
        .bind(message.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        Ok(image.map(|(url,)| url))
    }

    /// Removes one of the owner's messages. Returns whether there was one.
    pub async fn delete_message(&self, owner: OwnerId, id: MessageId) -> Result<bool, StorageFailure> {
        let mut work = self.write.begin().await?;
        let counted = sql("UPDATE chats SET message_count = message_count - 1
             WHERE id = (SELECT chat_id FROM messages WHERE id = $1 AND owner_id = $2)")
        .bind(id.0)
        .bind(owner.0)
        .execute(&mut work)
        .await?;
        let deleted = sql("DELETE FROM messages WHERE id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        if counted == 0 || deleted.execute(&mut work).await? == 0 {
            return Ok(false);
        }
        work.commit().await?;
        Ok(true)
    }
}

/// A message on its way into the database.
pub(super) struct NewMessage<'a> {
    pub(super) owner: OwnerId,
    pub(super) chat: ChatId,
    pub(super) turn: i64,
    pub(super) sender: Sender,
    pub(super) status: MessageStatus,
    pub(super) text: &'a str,
    pub(super) image: Option<&'a str>,
    pub(super) request_id: &'a str,
    /// Where its turn goes on.
    pub(super) replica: Option<&'a str>,
    pub(super) created_at: Timestamp,
}

/// Puts a message into its chat. `None` when it is to be answered while another one of the chat is.
pub(super) async fn add(work: &mut Work, new: &NewMessage<'_>) -> Result<Option<MessageId>, StorageFailure> {
    let added: Option<(i64,)> = sql(
        "INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, has_image, request_id, replica, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (chat_id) WHERE status = 'pending' DO NOTHING RETURNING id",
    )
    .bind(new.chat.0)
    .bind(new.owner.0)
    .bind(new.turn)
    .bind(new.sender.as_str())
    .bind(new.status.as_str())
    .bind(new.text)
    .bind(i64::from(new.image.is_some()))
    .bind(new.request_id)
    .bind(new.replica)
    .bind(new.created_at.as_microsecond())
    .fetch_optional(&mut *work)
    .await?;
    let Some((id,)) = added else { return Ok(None) };
    if let Some(url) = new.image {
        let image = sql("INSERT INTO message_images (message_id, url) VALUES ($1, $2)").bind(id).bind(url);
        image.execute(&mut *work).await?;
    }
    super::search::index(work, new.owner, MessageId(id), new.text).await?;
    Ok(Some(MessageId(id)))
}

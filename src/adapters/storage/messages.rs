//! What was said in stored chats. Every statement names the owner.

use jiff::Timestamp;

use super::{
    ChatId, Cursor, Storage, StorageFailure, count,
    database::{Work, sql},
    moment, number,
};
use crate::domain::{account::OwnerId, chat::Role};

/// Bytes of images in one list at the most. On the wire each has two names, so that a list takes twice as much. The
/// largest image, 12 MiB in base64 with what stands in front of it, fits.
const IMAGES: u64 = (16 << 20) + 1024;

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

    /// What they are in a conversation with the model.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::User => Role::User,
            Self::Bot => Role::Assistant,
        }
    }

    fn parse(name: &str) -> Self {
        if name == Self::User.as_str() { Self::User } else { Self::Bot }
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

    fn parse(name: &str) -> Self {
        let known = [Self::Pending, Self::Failed].into_iter().find(|status| status.as_str() == name);
        known.unwrap_or(Self::Complete)
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
    /// The URL of the image that was shown with it; none also where it was too large for the list.
    pub image: Option<String>,
    /// The bytes of that URL; 0 without an image.
    pub image_bytes: u64,
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

pub(super) type Row = (i64, i64, i64, String, String, String, i64, i64);

pub(super) fn message((id, chat, turn, sender, status, text, image_bytes, created_at): Row) -> StoredMessage {
    StoredMessage {
        id: MessageId(id),
        chat: ChatId(chat),
        turn,
        sender: Sender::parse(&sender),
        status: MessageStatus::parse(&status),
        text,
        image: None,
        image_bytes: count(image_bytes),
        created_at: moment(created_at),
    }
}

/// A message that was answered, to be told to a model again.
#[derive(Clone, Debug)]
pub struct HistoryMessage {
    /// Its number.
    pub id: MessageId,
    /// Its place among the others.
    pub cursor: Cursor,
    /// Who said it.
    pub sender: Sender,
    /// What was said.
    pub text: String,
    /// The bytes of the URL of the image that was shown with it; 0 without one.
    pub image_bytes: u64,
}

impl Storage {
    /// The messages of one of the owner's chats in front of this place, at most so many, the latest first, each with
    /// its image as long as there is room. Empty if the chat is somebody else's.
    pub async fn messages(
        &self,
        owner: OwnerId,
        chat: ChatId,
        before: Cursor,
        most: u64,
    ) -> Result<Vec<StoredMessage>, StorageFailure> {
        let rows: Vec<Row> =
            sql("SELECT id, chat_id, turn, sender, status, text, image_bytes, created_at FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) < ($3, $4)
             ORDER BY turn DESC, id DESC LIMIT $5")
            .bind(chat.0)
            .bind(owner.0)
            .bind(before.0)
            .bind(before.1)
            .bind(number(most))
            .fetch_all(&self.read)
            .await?;
        let mut messages = rows.into_iter().map(message).collect::<Vec<_>>();
        self.add_images(owner, &mut messages).await?;
        Ok(messages)
    }

    /// One of the owner's messages, with its image.
    pub async fn message(&self, owner: OwnerId, id: MessageId) -> Result<Option<StoredMessage>, StorageFailure> {
        let row: Option<Row> = sql("SELECT id, chat_id, turn, sender, status, text, image_bytes, created_at
             FROM messages WHERE id = $1 AND owner_id = $2")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&self.read)
        .await?;
        let mut found = row.map(message);
        self.add_images(owner, found.as_mut_slice()).await?;
        Ok(found)
    }

    /// Adds to messages the images that were shown with them, up to a limit: data URLs are large, and memory is not.
    pub(super) async fn add_images(
        &self,
        owner: OwnerId,
        messages: &mut [StoredMessage],
    ) -> Result<(), StorageFailure> {
        let mut left = IMAGES;
        for message in messages.iter_mut().filter(|message| message.image_bytes > 0) {
            if let Some(less) = left.checked_sub(message.image_bytes) {
                left = less;
                message.image = self.image(owner, message.id).await?;
            }
        }
        Ok(())
    }

    /// What was said, and answered, in one of the owner's chats in front of this place; the latest first, and without
    /// the images, which are large.
    pub async fn history(
        &self,
        owner: OwnerId,
        chat: ChatId,
        before: Cursor,
        most: u64,
    ) -> Result<Vec<HistoryMessage>, StorageFailure> {
        let rows: Vec<(i64, i64, String, String, i64)> = sql("SELECT turn, id, sender, text, image_bytes FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) < ($3, $4) AND status = 'complete'
             ORDER BY turn DESC, id DESC LIMIT $5")
        .bind(chat.0)
        .bind(owner.0)
        .bind(before.0)
        .bind(before.1)
        .bind(number(most))
        .fetch_all(&self.read)
        .await?;
        let said = |(turn, id, sender, text, image_bytes): (i64, i64, String, String, i64)| HistoryMessage {
            id: MessageId(id),
            cursor: Cursor(turn, id),
            sender: Sender::parse(&sender),
            text,
            image_bytes: count(image_bytes),
        };
        Ok(rows.into_iter().map(said).collect())
    }

    /// The URL of the image that was shown with one of the owner's messages.
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
        let deleting = sql("DELETE FROM messages WHERE id = $1 AND owner_id = $2").bind(id.0).bind(owner.0);
        // Somebody else may have deleted it between the two.
        let is_deleted = counted > 0 && deleting.execute(&mut work).await? > 0;
        if is_deleted {
            work.commit().await?;
        } else {
            work.rollback().await?;
        }
        Ok(is_deleted)
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
        "INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, replica, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (chat_id) WHERE status = 'pending' DO NOTHING RETURNING id",
    )
    .bind(new.chat.0)
    .bind(new.owner.0)
    .bind(new.turn)
    .bind(new.sender.as_str())
    .bind(new.status.as_str())
    .bind(new.text)
    .bind(number(new.image.map_or(0, str::len) as u64))
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

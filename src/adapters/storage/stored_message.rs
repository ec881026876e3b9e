//! Messages as the database returns them.

use jiff::Timestamp;

use super::{
    column_values::{to_count, to_timestamp},
    ids::{ChatId, Cursor, MessageId},
    source_column,
};
use crate::domain::{chat::Role, prompt::Source};

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The chat's owner.
    User,
    /// The model.
    Bot,
}

impl Sender {
    /// Returns the name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
        }
    }

    /// Returns the author's role in a conversation with a model.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::User => Role::User,
            Self::Bot => Role::Assistant,
        }
    }

    /// Parses the column `sender`, which holds only the names of [`Sender::as_str`].
    pub(super) fn parse(name: &str) -> Self {
        if name == Self::User.as_str() { Self::User } else { Self::Bot }
    }
}

/// The status of a message. A bot's message is always complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// The message has been answered, or is an answer.
    Complete,
    /// The turn that answers the message is running.
    Pending,
    /// The message was not answered and can be retried.
    Failed,
}

impl MessageStatus {
    /// Returns the name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }

    /// Parses the column `status`, which holds only the names of [`MessageStatus::as_str`].
    fn parse(name: &str) -> Self {
        let other = [Self::Pending, Self::Failed].into_iter().find(|status| status.as_str() == name);
        other.unwrap_or(Self::Complete)
    }
}

/// A message of a stored chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// The number of the message.
    pub id: MessageId,
    /// The number of the chat.
    pub chat: ChatId,
    /// The number of the message's turn within the chat.
    pub turn: i64,
    /// The author.
    pub sender: Sender,
    /// The status.
    pub status: MessageStatus,
    /// The text.
    pub text: String,
    /// The URL of the attached image; also `None` where the image was too large for a list.
    pub image: Option<String>,
    /// The length of that URL in bytes; 0 without an image.
    pub image_bytes: u64,
    /// The pages that an answer is based on.
    pub sources: Vec<Source>,
    /// The time at which the message was created.
    pub created_at: Timestamp,
}

impl StoredMessage {
    /// Returns the position of the message in the list of its chat's messages.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.turn, self.id.0)
    }
}

/// The columns `id, chat_id, turn, sender, status, text, image_bytes, sources, created_at` of the table `messages`.
pub(super) type MessageRow = (i64, i64, i64, String, String, String, i64, Option<String>, i64);

/// Converts a row to a message, without its image.
pub(super) fn message(
    (id, chat, turn, sender, status, text, image_bytes, sources, created_at): MessageRow,
) -> StoredMessage {
    StoredMessage {
        id: MessageId(id),
        chat: ChatId(chat),
        turn,
        sender: Sender::parse(&sender),
        status: MessageStatus::parse(&status),
        text,
        image: None,
        image_bytes: to_count(image_bytes),
        sources: source_column::to_sources(sources.as_deref()),
        created_at: to_timestamp(created_at),
    }
}

/// A complete message of a chat's history, to be sent to a model again.
#[derive(Clone, Debug)]
pub struct HistoryMessage {
    /// The number of the message.
    pub id: MessageId,
    /// The position of the message in the list of its chat's messages.
    pub cursor: Cursor,
    /// The author.
    pub sender: Sender,
    /// The text.
    pub text: String,
    /// The length of the attached image's URL in bytes; 0 without an image.
    pub image_bytes: u64,
}

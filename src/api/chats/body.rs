//! A stored chat in answers of the API.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::{
    adapters::storage::{ChatId, Cursor, StoredChat, StoredMessage},
    api::{AppState, messages::MessageBody, problem::Problem},
    domain::{account::OwnerId, errors::resources},
    foundation::clock::Clock,
};

/// A stored chat without its messages.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatSummary", example)]
pub(super) struct ChatBody {
    /// The chat's number.
    pub(super) id: i64,
    /// The chat's title.
    pub(super) title: String,
    /// The time of its creation, RFC 3339.
    pub(super) created_at: String,
    /// The time of the latest message, or of the latest renaming or clearing, RFC 3339.
    pub(super) updated_at: String,
    /// The number of messages, of user and model together.
    pub(super) message_count: u64,
    /// The id of the persona that answers in this chat; left out if no persona is set.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persona: Option<String>,
    /// The account that owns the chat.
    #[oai(deprecated)]
    pub(super) user_id: i64,
}

/// A stored chat with its messages.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Chat")]
pub(super) struct WholeChat {
    #[serde(flatten)]
    #[oai(flatten)]
    pub(super) summary: ChatBody,
    /// The messages, the oldest first.
    pub(super) messages: Vec<MessageBody>,
}

impl ChatBody {
    pub(super) fn new(chat: StoredChat, owner: OwnerId, clock: &Clock) -> Self {
        Self {
            id: chat.id.0,
            title: chat.title,
            created_at: clock.rfc3339(chat.created_at),
            updated_at: clock.rfc3339(chat.updated_at),
            message_count: chat.message_count,
            persona: chat.persona,
            user_id: owner.0,
        }
    }
}

impl WholeChat {
    pub(super) fn new(chat: StoredChat, owner: OwnerId, messages: Vec<StoredMessage>, clock: &Clock) -> Self {
        let messages = messages.into_iter().map(|message| MessageBody::new(message, owner, clock)).collect();
        Self { summary: ChatBody::new(chat, owner, clock), messages }
    }

    /// Reads one of the owner's chats with all of its messages, the oldest first.
    pub(super) async fn read(state: &AppState, owner: OwnerId, id: i64) -> Result<Self, Problem> {
        let id = ChatId(id);
        let chat = state.storage.chat(owner, id).await?.ok_or_else(chat_not_found)?;
        let messages = state.storage.messages(owner, id, Cursor::START, u64::MAX).await?;
        Ok(Self::new(chat, owner, messages.into_iter().rev().collect(), &state.clock))
    }
}

/// Returns the error for a chat that does not exist or belongs to another account. Both cases have the same error.
pub(in crate::api) fn chat_not_found() -> Problem {
    Problem::new(&resources::CHAT_NOT_FOUND)
}

impl Example for ChatBody {
    fn example() -> Self {
        Self {
            id: 7,
            title: "Opening hours".to_owned(),
            created_at: "2026-11-21T09:30:00.417000+01:00".to_owned(),
            updated_at: "2026-11-21T09:30:02.125000+01:00".to_owned(),
            message_count: 2,
            persona: None,
            user_id: 7,
        }
    }
}

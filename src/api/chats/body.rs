//! A stored chat in answers of the API.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::{
    adapters::storage::{ChatId, Cursor, StoredChat, StoredMessage},
    api::{AppState, messages::MessageBody, problem::Problem},
    domain::{account::OwnerId, errors::resources},
    foundation::clock::Clock,
};

/// A chat, without what was said in it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatSummary", example)]
pub(super) struct ChatBody {
    /// Its number.
    pub(super) id: i64,
    /// What it is called.
    pub(super) title: String,
    /// When it was begun, RFC 3339.
    pub(super) created_at: String,
    /// When something was said in it last, or it was renamed or cleared, RFC 3339.
    pub(super) updated_at: String,
    /// Messages of both sides.
    pub(super) message_count: u64,
    /// Who speaks in it; left out where that is the model as it is.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persona: Option<String>,
    /// The account that it belongs to.
    #[oai(deprecated)]
    pub(super) user_id: i64,
}

/// A chat with what was said in it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Chat")]
pub(super) struct WholeChat {
    /// Its number.
    pub(super) id: i64,
    /// What it is called.
    pub(super) title: String,
    /// When it was begun, RFC 3339.
    pub(super) created_at: String,
    /// When something was said in it last, or it was renamed or cleared, RFC 3339.
    pub(super) updated_at: String,
    /// Messages of both sides.
    pub(super) message_count: u64,
    /// Who speaks in it; left out where that is the model as it is.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persona: Option<String>,
    /// The account that it belongs to.
    #[oai(deprecated)]
    pub(super) user_id: i64,
    /// What was said, the oldest first.
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
        let chat = ChatBody::new(chat, owner, clock);
        let ChatBody { id, title, created_at, updated_at, message_count, persona, user_id } = chat;
        let messages = messages.into_iter().map(|message| MessageBody::new(message, owner, clock)).collect();
        Self { id, title, created_at, updated_at, message_count, persona, user_id, messages }
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

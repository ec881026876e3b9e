//! A stored chat in answers of the API.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::{
    adapters::storage::{ChatId, Cursor, ListedMessages, MessageList, StoredChat},
    api::{
        AppState,
        json::MEDIA_TYPE,
        messages::MessageBody,
        problem::Problem,
        streamed::{Frame, Listing, Streamed},
    },
    domain::{account::OwnerId, client_ip::ClientIp, errors::resources},
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
#[oai(rename = "Chat", example)]
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

    /// Returns a function that encodes an owner's stored chats as JSON.
    pub(super) fn encoder(owner: OwnerId, clock: &Clock) -> impl Fn(u64, StoredChat) -> String + Send + use<> {
        let clock = clock.clone();
        // Encoding this type does not fail.
        move |_, chat| serde_json::to_string(&Self::new(chat, owner, &clock)).unwrap_or_default()
    }
}

impl WholeChat {
    /// Converts a chat without messages.
    pub(super) fn empty(chat: StoredChat, owner: OwnerId, clock: &Clock) -> Self {
        Self { summary: ChatBody::new(chat, owner, clock), messages: Vec::new() }
    }

    /// Returns the response with one of the owner's chats and all of its messages, the oldest first.
    pub(super) async fn respond<T>(
        state: &AppState,
        client: ClientIp,
        owner: OwnerId,
        id: i64,
    ) -> Result<Streamed<T>, Problem> {
        let (chat, list) = Self::read(state, owner, id).await?;
        // Encoding this type does not fail. The messages come before the end of the object.
        let summary = serde_json::to_string(&ChatBody::new(chat, owner, &state.clock)).unwrap_or_default();
        let before = format!("{},\"messages\":[", summary.trim_end_matches('}'));
        let frame = Frame { media_type: MEDIA_TYPE, before, between: ",", after: "]}\n" };
        Listing { frame, list, encode: MessageBody::encoder(owner, &state.clock) }.respond(state, client).await
    }

    /// Reads one of the owner's chats, and the list of all of its messages.
    pub(super) async fn read(state: &AppState, owner: OwnerId, id: i64) -> Result<(StoredChat, MessageList), Problem> {
        let id = ChatId(id);
        let chat = state.storage.chat(owner, id).await?.ok_or_else(chat_not_found)?;
        let list = state.storage.message_list((owner, id), ListedMessages::All, Cursor::START, None).await?;
        Ok((chat, list))
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

impl Example for WholeChat {
    fn example() -> Self {
        Self { summary: ChatBody::example(), messages: vec![MessageBody::example(), MessageBody::example_answer()] }
    }
}

//! `GET /chat_history`: the visitor's conversation so far.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use serde::Serialize;

use crate::{
    adapters::storage::{Cursor, ListedMessages, Sender, StoredMessage},
    api::{
        AppState, Group,
        caller::{ClientAddress, Visit},
        json::{Json, MEDIA_TYPE},
        problem::failures,
        streamed::{Frame, Listing, Streamed},
        turn::AnswerSource,
    },
};

/// The maximum number of messages shown, the latest ones. The model gets as many as fit into its context window.
const MAX_SHOWN: u64 = 1000;

failures! { VisitFailure {
    401 "The request has a bearer (`bearer_not_accepted`).",
    403 "The request comes from a page of another website (`foreign_origin`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`).",
} }

failures! { HistoryFailure {
    401 "The request has a bearer (`bearer_not_accepted`).",
    403 "The request comes from a page of another website (`foreign_origin`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`), or too many large chats are read at once \
         (`list_memory_used_up`).",
} }

/// The messages of a visitor's chat.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalHistory {
    /// The latest 1000 answered messages and their answers, the oldest first.
    history: Vec<PortalMessage>,
}

/// A message of the visitor or of the model.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalMessage {
    /// The author of the message.
    role: PortalRole,
    /// The text of the message.
    content: String,
    /// The pages that an answer is based on, in the order of their importance.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<AnswerSource>>,
    /// The message's position in the list, from 0, as a string.
    #[oai(validator(pattern = "^[0-9]+$"))]
    timestamp: String,
}

/// The author of a message of the portal: the visitor, or the model.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum PortalRole {
    User,
    Assistant,
}

impl PortalMessage {
    /// Encodes a stored message as JSON.
    fn encode(index: u64, StoredMessage { sender, text, sources, .. }: StoredMessage) -> String {
        let (sources, timestamp) = (AnswerSource::all(sources), index.to_string());
        let message = Self { role: sender.into(), content: text, sources, timestamp };
        // Encoding this type does not fail.
        serde_json::to_string(&message).unwrap_or_default()
    }
}

impl From<Sender> for PortalRole {
    fn from(sender: Sender) -> Self {
        match sender {
            Sender::User => Self::User,
            Sender::Bot => Self::Assistant,
        }
    }
}

pub(in crate::api) struct PortalHistoryApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalHistoryApi {
    /// Read the visitor's chat
    ///
    /// Returns the messages of the visitor; none without a valid cookie.
    #[oai(
        path = "/chat_history",
        method = "get",
        operation_id = "portalHistory",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's renewed cookie. It is not sent to other websites."
        )
    )]
    async fn history(
        &self,
        Data(state): Data<&AppState>,
        visit: Visit,
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<Json<PortalHistory>>, HistoryFailure> {
        let Some(visitor) = state.visitors.find(visit.token()).await? else {
            return Ok(Streamed::whole(Json(PortalHistory { history: Vec::new() })));
        };
        let (chat, shown) = ((visitor.owner, visitor.chat), ListedMessages::Complete);
        let list = state.storage.message_list(chat, shown, Cursor::START, Some(MAX_SHOWN)).await?;
        let frame = Frame { media_type: MEDIA_TYPE, before: "{\"history\":[".to_owned(), between: ",", after: "]}\n" };
        Ok(Listing { frame, list, encode: PortalMessage::encode }.respond(state, client).await?)
    }
}

impl Example for PortalMessage {
    fn example() -> Self {
        let content = "What is your favourite flower?".to_owned();
        Self { role: PortalRole::User, content, sources: None, timestamp: "0".to_owned() }
    }
}

impl Example for PortalHistory {
    fn example() -> Self {
        let content = "Cherry blossoms, of course!".to_owned();
        let answer = PortalMessage { role: PortalRole::Assistant, content, sources: None, timestamp: "1".to_owned() };
        Self { history: vec![PortalMessage::example(), answer] }
    }
}

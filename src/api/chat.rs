//! `POST /api/chat`: one turn.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Header, types::Example};
use serde::{Deserialize, Serialize};

use super::{
    Doors, Group,
    front::RequestContext,
    json::{Json, objects},
    problem::{Problem, failures},
};
use crate::{
    chat::{Message, Role, Speaker},
    prompt::{self, AttachedFile},
    session::{InvalidSessionId, SessionId},
    turn::{Ask, Told},
};

/// Ten attached files of 1 MB, escaped.
const LARGEST_BODY: usize = 32 << 20;

/// Longest user name, in characters.
const LONGEST_NAME: usize = 200;

failures! { ChatFailure {
    400 "Something in the request is not as it should be: no message and no file (`message_required`), a field \
         (`invalid_request`), the session id (`invalid_session_id`), the model (`model_not_allowed`, \
         `model_not_found`), its length (`prompt_too_long`), or its content (`request_refused`, `answer_withheld`).",
    401 "The model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 32 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "The model's provider limits requests (`rate_limited`) or has run out of credit (`quota_exhausted`).",
    500 "A fault of this server (`internal_error`).",
    502 "The model's provider failed or cannot be reached (`model_failed`, `model_unreachable`, \
         `model_connection_lost`, `model_answer_unreadable`, `model_answer_too_large`, `model_forbidden`).",
    503 "Not now: no API key (`no_api_key`, `credentials_unavailable`), the model is overloaded \
         (`model_overloaded`), nothing can be logged or stored (`session_log_unavailable`, `storage_unavailable`), \
         or the service is restarting (`stopping`).",
    504 "The model did not answer in time (`model_timeout`).",
} }

/// What a chat window sends. A message or a file is required.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(example, nullable_all, skip_serializing_if_is_none)]
struct ChatRequest {
    /// What the visitor says.
    message: Option<String>,
    /// What was said before, oldest first.
    #[serde(deserialize_with = "objects")]
    history: Option<Vec<Said>>,
    /// The model to ask, among those the operator allows.
    model: Option<String>,
    /// Text files the visitor attached.
    #[serde(deserialize_with = "objects")]
    attached_files: Option<Vec<File>>,
    /// One attached file's text, the older form; read when there are no `attached_files`.
    attached_content: Option<String>,
    /// The name of the file in `attached_content`.
    attached_filename: Option<String>,
    /// The visitor's name at the site.
    #[oai(validator(max_length = 200))]
    username: Option<String>,
    /// Whether the visitor is a guest; true without a user name, whatever is said here.
    #[serde(rename = "isGuest")]
    #[oai(rename = "isGuest")]
    is_guest_camel: Option<bool>,
    /// The same as `isGuest`.
    is_guest: Option<bool>,
    /// The session this turn belongs to; the header `X-Session-ID` comes first.
    #[serde(rename = "sessionId")]
    #[oai(rename = "sessionId")]
    session_id_camel: Option<String>,
    /// The same as `sessionId`.
    session_id: Option<String>,
}

/// Something that was said before.
#[derive(Debug, Deserialize, Object)]
#[oai(rename = "HistoryEntry")]
struct Said {
    /// Who said it.
    role: SaidBy,
    /// What was said.
    #[oai(nullable)]
    content: Option<String>,
}

/// Who said something: the visitor or the model.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(try_from = "String")]
#[oai(rename = "Role", rename_all = "lowercase")]
enum SaidBy {
    User,
    Assistant,
}

impl TryFrom<String> for SaidBy {
    type Error = &'static str;

    fn try_from(role: String) -> Result<Self, Self::Error> {
        match role.as_str() {
            "user" => Ok(Self::User),
            "assistant" => Ok(Self::Assistant),
            _ => Err("expected `user` or `assistant`"),
        }
    }
}

/// An attached text file.
#[derive(Debug, Deserialize, Object)]
#[oai(rename = "AttachedFile")]
struct File {
    /// Its name; `file` when missing.
    #[oai(nullable)]
    name: Option<String>,
    /// Its text.
    content: String,
}

/// The answer of a turn.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct ChatAnswer {
    /// What the model says.
    message: String,
    /// The tokens it took.
    usage: super::openai::Usage,
    /// When, RFC 3339.
    timestamp: String,
    /// The model that answered; `basic` is the built-in demo responder.
    model: String,
    /// How the answer ended: `complete`, or `length` when the model reached its limit.
    finish_reason: String,
    /// The session the client named.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// The request's id, as in `X-Request-Id`.
    request_id: String,
}

pub(super) struct ChatApi;

#[OpenApi(prefix_path = "/api")]
impl ChatApi {
    /// Ask the model
    ///
    /// One turn: the message, with files and history if there are any, is answered by the model. When the answer is
    /// there, the turn is in the session log. In demo mode (no source of a key is configured) a built-in responder
    /// answers, and `model` is `basic`.
    #[oai(path = "/chat", method = "post", operation_id = "chat", tag = "Group::Chat")]
    async fn chat(
        &self,
        Data(doors): Data<&Doors>,
        Data(context): Data<&RequestContext>,
        /// The session this turn belongs to.
        #[oai(name = "X-Session-ID")]
        Header(session): Header<Option<String>>,
        Json(request): Json<ChatRequest, LARGEST_BODY>,
    ) -> Result<Json<ChatAnswer>, ChatFailure> {
        let ask = request.into_ask(session, context)?;
        let session_id = ask.session_id.as_ref().map(SessionId::to_string);
        let told = doors.turns.take(ask).await?;
        Ok(Json(ChatAnswer::new(told, session_id, doors, context)))
    }
}

impl ChatRequest {
    fn into_ask(self, session: Option<String>, context: &RequestContext) -> Result<Ask, Problem> {
        let username = self.username.as_deref();
        if username.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            return Err(Problem::bad_request("invalid_request", "username must have at most 200 characters"));
        }
        let speaker = Speaker::new(username, self.is_guest_camel.or(self.is_guest));
        let session_id = named_session([session, self.session_id_camel, self.session_id])?;
        let files = attached(self.attached_files, self.attached_content, self.attached_filename);
        let history = self.history.unwrap_or_default().into_iter().map(Message::from).collect();
        let messages = prompt::conversation(history, &files, self.message.as_deref().unwrap_or_default())?;
        Ok(Ask {
            request_id: context.id.clone(),
            arrived: context.arrived,
            speaker,
            session_id,
            model: self.model.map(|model| model.trim().to_owned()).filter(|model| !model.is_empty()),
            messages,
        })
    }
}

/// The session a client names: the first of these that isn't blank.
pub(super) fn named_session(names: [Option<String>; 3]) -> Result<Option<SessionId>, InvalidSessionId> {
    let mut names = names.into_iter().flatten();
    let name = names.find(|name| !name.trim().is_empty());
    name.map(|name| SessionId::parse(name.trim())).transpose()
}

fn attached(files: Option<Vec<File>>, content: Option<String>, name: Option<String>) -> Vec<AttachedFile> {
    let named = |name: Option<String>| {
        // The name stands in a line of its own; it may not end that line.
        let name = name.unwrap_or_default().replace(['\r', '\n'], " ");
        let name = name.trim();
        if name.is_empty() { "file".to_owned() } else { name.to_owned() }
    };
    let files = files.unwrap_or_default();
    if files.is_empty() {
        let content = content.filter(|content| !content.trim().is_empty());
        return content.map(|content| AttachedFile { name: named(name), content }).into_iter().collect();
    }
    let file = |File { name, content }| AttachedFile { name: named(name), content };
    files.into_iter().map(file).collect()
}

impl From<Said> for Message {
    fn from(said: Said) -> Self {
        let role = match said.role {
            SaidBy::User => Role::User,
            SaidBy::Assistant => Role::Assistant,
        };
        Self { role, content: said.content.unwrap_or_default() }
    }
}

impl ChatAnswer {
    fn new(told: Told, session_id: Option<String>, doors: &Doors, context: &RequestContext) -> Self {
        Self {
            usage: super::openai::Usage::new(told.usage, &told.model),
            message: told.text,
            timestamp: doors.clock.rfc3339(told.at),
            model: told.model,
            finish_reason: told.finish.as_str().to_owned(),
            session_id,
            request_id: context.id.clone(),
        }
    }
}

impl Example for ChatRequest {
    fn example() -> Self {
        Self {
            message: Some("What are your opening hours?".to_owned()),
            session_id_camel: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            username: Some("ada".to_owned()),
            is_guest_camel: Some(false),
            ..Self::default()
        }
    }
}

impl Example for ChatAnswer {
    fn example() -> Self {
        let usage = crate::cost::TokenUsage { prompt: 14, completion: 9 };
        Self {
            message: "We are open from nine to five.".to_owned(),
            usage: super::openai::Usage::new(usage, "gpt-4o-mini"),
            timestamp: "2026-11-21T09:30:02.125+01:00".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            finish_reason: "complete".to_owned(),
            session_id: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            request_id: "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27".to_owned(),
        }
    }
}

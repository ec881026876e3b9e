//! What a chat window asks.

use std::sync::Arc;

use poem::{Request, http::header};
use poem_openapi::{Enum, Object, types::Example};
use serde::Deserialize;

use super::events::EVENTS;
use crate::{
    address::Address,
    api::{front::RequestContext, json::objects, problem::Problem},
    chat::{Message, Role, Speaker},
    persona::Persona,
    prompt::{self, AttachedFile},
    session::{InvalidSessionId, SessionId},
    turn::{Ask, IdempotencyKey, InvalidIdempotencyKey},
};

/// Longest user name, in characters.
const LONGEST_NAME: usize = 200;

/// What the request's headers say of a turn.
pub(in crate::api) struct Headers {
    pub(in crate::api) session: Option<String>,
    pub(in crate::api) idempotency_key: Option<IdempotencyKey>,
    /// Whether events are accepted, and JSON isn't named.
    pub(in crate::api) accepts_events: bool,
}

impl Headers {
    /// The headers, two of which the framework has read for the sake of the contract.
    pub(in crate::api) fn read(
        request: &Request,
        session: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<Self, InvalidIdempotencyKey> {
        // The framework passes over what isn't ASCII.
        if idempotency_key.is_none() && request.headers().contains_key("idempotency-key") {
            return Err(InvalidIdempotencyKey);
        }
        let idempotency_key = idempotency_key.map(|key| IdempotencyKey::parse(&key)).transpose()?;
        Ok(Self { session, idempotency_key, accepts_events: accepts_events(request) })
    }
}

/// Whether the client takes events, and names no JSON.
fn accepts_events(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let accept = accept.to_ascii_lowercase();
    accept.contains(EVENTS) && !accept.contains("application/json")
}

/// What a chat window sends. A message or a file is required.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(example, nullable_all, skip_serializing_if_is_none)]
pub(super) struct ChatRequest {
    /// What the visitor says.
    message: Option<String>,
    /// What was said before, oldest first.
    #[serde(deserialize_with = "objects")]
    history: Option<Vec<Said>>,
    /// The model to ask, among those the operator allows.
    model: Option<String>,
    /// Who is to speak, among those that `GET /api/personas` lists; without one, the model as it is.
    persona: Option<String>,
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
    /// Whether the answer is wanted as a stream of events; without it, `Accept: text/event-stream` asks for one.
    stream: Option<bool>,
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
#[oai(rename = "HistoryRole", rename_all = "lowercase")]
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

impl ChatRequest {
    /// The persona that is asked for.
    pub(super) fn persona(&self) -> Option<&str> {
        self.persona.as_deref()
    }

    pub(super) fn into_ask(
        self,
        headers: Headers,
        context: &RequestContext,
        address: Address,
        persona: Option<Arc<Persona>>,
    ) -> Result<Ask, Problem> {
        let username = self.username.as_deref();
        if username.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            return Err(Problem::bad_request("invalid_request", "username must have at most 200 characters"));
        }
        let speaker = Speaker::new(username, self.is_guest_camel.or(self.is_guest));
        let session_id = named_session([headers.session, self.session_id_camel, self.session_id])?;
        let files = attached(self.attached_files, self.attached_content, self.attached_filename);
        let history = self.history.unwrap_or_default().into_iter().map(Message::from).collect();
        let message = self.message.as_deref().unwrap_or_default();
        let messages = prompt::conversation(history, &files, message)?;
        Ok(Ask {
            request_id: context.id.clone(),
            arrived: context.arrived,
            speaker,
            session_id,
            address: Some(address),
            in_chat: None,
            model: named_model(self.model),
            persona,
            messages,
            stream: self.stream.unwrap_or(headers.accepts_events),
            idempotency_key: headers.idempotency_key,
        })
    }
}

/// The session a client names: the first of these that isn't blank.
pub(in crate::api) fn named_session(names: [Option<String>; 3]) -> Result<Option<SessionId>, InvalidSessionId> {
    let mut names = names.into_iter().flatten();
    let name = names.find(|name| !name.trim().is_empty());
    name.map(|name| SessionId::parse(name.trim())).transpose()
}

/// The model a client names, unless that is blank.
pub(in crate::api) fn named_model(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
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
        Self::new(role, said.content.unwrap_or_default())
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

//! The portal's endpoints, for its own pages: `POST /chat`, `GET /chat_history`, `POST /clear_chat` and
//! `GET /api_status`. A visitor's history is a stored chat like any other.

#![expect(
    clippy::used_underscore_binding,
    reason = "derived code moves the fields that are refused when they are read"
)]

use poem::{Request, web::Data};
use poem_openapi::{Enum, Object, OpenApi, param::Header, types::Example};
use serde::{Deserialize, Serialize};

use super::{
    AppState, Group,
    caller::{Visit, ensure_own_page},
    json::{Json, text},
    problem::{Problem, failures},
    request_context::RequestContext,
    turn::{Reply, TurnHeaders, named_session, start_turn},
    unread_field::with_unread_fields,
};
use crate::{
    adapters::storage::{Cursor, HistoryMessage, Sender},
    domain::{
        chat::{Caller, Message, Role},
        errors::resources,
    },
    services::turn::{StoredChatTurn, TurnRequest},
};

/// A message that asks whether this is demo mode, and nothing else.
const DEMO_CHECK: &str = "__demo_check__";

/// The longest message, in characters. The page itself lets far less be written.
const LONGEST_MESSAGE: usize = 4000;

/// So many messages are shown of a history; the model reads what it can.
const SHOWN: u64 = 1000;

failures! { ChatFailure, of a turn {
    400 "Something in the request is not as it should be: no message (`message_required`), too long a one \
         (`message_too_long`), its body (`invalid_json`, `body_incomplete`), a field (`invalid_request`), the session id (`invalid_session_id`), the \
         `Idempotency-Key` (`invalid_idempotency_key`), its length for the model (`prompt_too_long`), or its content \
         (`request_refused`, `answer_withheld`); or the operator's model is none (`model_not_found`).",
    401 "The model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    403 "The request comes from a page of another website (`foreign_origin`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); or the chat was \
         cleared meanwhile (`chat_changed`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

failures! { VisitFailure {
    403 "The request comes from a page of another website (`foreign_origin`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`).",
} }

failures! { StatusFailure {
    403 "The request comes from a page of another website (`foreign_origin`).",
} }

with_unread_fields! {
    /// What a visitor says.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(example, skip_serializing_if_is_none)]
    struct PortalRequest {
        /// The words, 1 to 4000 characters without the blanks around them. `__demo_check__` asks whether this is demo mode,
        /// and isn't kept.
        #[serde(deserialize_with = "text")]
        #[oai(validator(min_length = 1))]
        message: String,
        /// The session this turn belongs to, for the session log; the header `X-Session-ID` comes first.
        #[serde(rename = "sessionId")]
        #[oai(rename = "sessionId", nullable)]
        session_id_camel: Option<String>,
        /// The same as `sessionId`.
        #[oai(nullable)]
        session_id: Option<String>,
        /// Whether the answer is wanted as a stream of events, the same as those of `POST /api/chat`; without it,
        /// `Accept: text/event-stream` asks for one.
        #[oai(nullable)]
        stream: Option<bool>,
    } unread {
        _text = "text",
        _question = "question",
        _voice_text = "voice_text",
        _image = "image",
        _image_url = "image_url",
        _history = "history",
        _messages = "messages",
        _images = "images",
        _files = "files",
        _attached_files = "attached_files",
        _attached_content = "attached_content",
    }
}

/// What was answered.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalAnswer {
    /// The words.
    response: String,
    /// Always true.
    success: bool,
    /// Whether the built-in responder answers; only told to who asks for it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    demo_mode: Option<bool>,
}

/// What was said so far.
#[derive(Debug, Object, Serialize)]
struct PortalHistory {
    /// The messages that were answered, and the answers, the oldest first; the latest 1000.
    history: Vec<PortalMessage>,
}

/// One side's words.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalMessage {
    /// Who said it.
    role: PortalRole,
    /// What was said.
    content: String,
    /// Its place in the list, from 0, as a text.
    #[oai(validator(pattern = "^[0-9]+$"))]
    timestamp: String,
}

/// The visitor, or the model.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum PortalRole {
    User,
    Assistant,
}

/// Something was done.
#[derive(Debug, Object, Serialize)]
struct PortalDone {
    /// Always true.
    success: bool,
}

/// Who answers.
#[derive(Debug, Object, Serialize)]
struct PortalStatus {
    /// Whether a language model does.
    openai_available: bool,
    /// Whether the built-in responder does.
    demo_mode: bool,
}

impl PortalRequest {
    /// The words, if they are neither none nor too many.
    fn words(&self) -> Result<&str, Problem> {
        let words = self.message.trim();
        if words.is_empty() {
            return Err(Problem::new(&resources::EMPTY_PORTAL_MESSAGE));
        }
        if words.chars().count() > LONGEST_MESSAGE {
            return Err(Problem::new(&resources::MESSAGE_TOO_LONG));
        }
        Ok(words)
    }
}

impl PortalAnswer {
    fn new(response: String) -> Self {
        Self { response, success: true, demo_mode: None }
    }

    fn of_demo_check(demo_mode: bool) -> Self {
        let response = if demo_mode { "Demo mode: built-in replies answer" } else { "A language model answers" };
        Self { demo_mode: Some(demo_mode), ..Self::new(response.to_owned()) }
    }
}

impl PortalHistory {
    /// Of what was said, the latest first.
    fn new(said: Vec<HistoryMessage>) -> Self {
        let message = |(place, HistoryMessage { sender, text, .. }): (usize, HistoryMessage)| PortalMessage {
            role: sender.into(),
            content: text,
            timestamp: place.to_string(),
        };
        Self { history: said.into_iter().rev().enumerate().map(message).collect() }
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

fn demo_mode(state: &AppState) -> bool {
    state.credentials.demo_mode(&state.config.model)
}

pub(super) struct PortalApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalApi {
    /// Say something
    ///
    /// It is answered with the visitor's history before it, which is kept here; messages of one visitor are answered
    /// one after the other. Streams, `Idempotency-Key`, stopping and coming back are the same as with
    /// `POST /api/chat`. A message that isn't answered is not part of the history.
    #[oai(
        path = "/chat",
        method = "post",
        operation_id = "portalChat",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's cookie, to last for longer; not for other websites."
        )
    )]
    #[expect(clippy::too_many_arguments, reason = "all that a request may say")]
    async fn chat(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        visit: Visit,
        /// The session this turn belongs to, for the session log.
        #[oai(name = "X-Session-ID")]
        Header(session): Header<Option<String>>,
        /// The client's name for this turn, the same in each repetition: 1 to 255 visible ASCII characters, best a
        /// random UUID. Kept for a day.
        #[oai(name = "Idempotency-Key")]
        Header(idempotency_key): Header<Option<String>>,
        Json(asked): Json<PortalRequest>,
    ) -> Result<Reply<PortalAnswer>, ChatFailure> {
        let words = asked.words()?;
        if words == DEMO_CHECK {
            return Ok(Reply::Whole(PortalAnswer::of_demo_check(demo_mode(state))));
        }
        let said = Message::new(Role::User, words);
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let session_id = named_session([headers.session, asked.session_id_camel, asked.session_id])?;
        // Who isn't answered need not be known from now on.
        state.turns.check_admission()?;
        let visitor = state.visitors.find_or_create(visit.token()).await?;
        let ask = TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller: Caller::new(None, None),
            session_id,
            address: None,
            stored_chat: Some(StoredChatTurn { owner: visitor.owner, chat: visitor.chat, retry_of: None }),
            model: None,
            persona: state.personas.portal(),
            messages: vec![said],
            stream: asked.stream.unwrap_or(headers.accepts_events),
            idempotency_key: headers.idempotency_key,
        };
        // No operation of a visitor's takes the number of a message that failed.
        let summary = start_turn(state, ask, |answer, _, _| Ok(PortalAnswer::new(answer))).await;
        Ok(match summary.map_err(|problem| Problem { details: None, ..problem })? {
            Reply::Events(events) => Reply::Events(events.of_portal()),
            whole @ Reply::Whole(_) => whole,
        })
    }

    /// What was said so far
    ///
    /// Without a cookie that is known here, nothing.
    #[oai(
        path = "/chat_history",
        method = "get",
        operation_id = "portalHistory",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's cookie, to last for longer; not for other websites."
        )
    )]
    async fn history(&self, Data(state): Data<&AppState>, visit: Visit) -> Result<Json<PortalHistory>, VisitFailure> {
        let said = match state.visitors.find(visit.token()).await? {
            Some(visitor) => state.storage.history(visitor.owner, visitor.chat, Cursor::START, SHOWN).await?,
            None => Vec::new(),
        };
        Ok(Json(PortalHistory::new(said)))
    }

    /// Forget what was said
    ///
    /// Nothing needs to be sent; a body is ignored.
    #[oai(
        path = "/clear_chat",
        method = "post",
        operation_id = "portalClear",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's cookie, to last for longer; not for other websites."
        )
    )]
    async fn clear(&self, Data(state): Data<&AppState>, visit: Visit) -> Result<Json<PortalDone>, VisitFailure> {
        if let Some(visitor) = state.visitors.find(visit.token()).await? {
            state.storage.clear_chat(visitor.owner, visitor.chat, state.clock.now()).await?;
        }
        Ok(Json(PortalDone { success: true }))
    }

    /// Who answers
    ///
    /// A language model, or the built-in responder.
    #[oai(path = "/api_status", method = "get", operation_id = "portalStatus")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn status(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
    ) -> Result<Json<PortalStatus>, StatusFailure> {
        ensure_own_page(request)?;
        let demo_mode = demo_mode(state);
        Ok(Json(PortalStatus { openai_available: !demo_mode, demo_mode }))
    }
}

impl Example for PortalRequest {
    fn example() -> Self {
        Self { message: "What is your favourite flower?".to_owned(), ..Self::default() }
    }
}

impl Example for PortalAnswer {
    fn example() -> Self {
        Self::new("Cherry blossoms, of course!".to_owned())
    }
}

impl Example for PortalMessage {
    fn example() -> Self {
        let content = "What is your favourite flower?".to_owned();
        Self { role: PortalRole::User, content, timestamp: "0".to_owned() }
    }
}

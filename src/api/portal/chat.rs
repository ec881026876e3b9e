//! `POST /chat`: a visitor's message, answered by the portal's persona.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, types::Example};
use serde::{Deserialize, Serialize};

use super::status::is_demo_mode;
use crate::{
    adapters::storage::Visitor,
    api::{
        AppState, Group,
        caller::{AskedFrom, Visit},
        json::{Json, text},
        problem::{Problem, failures},
        request_context::RequestContext,
        text_header::TextHeader,
        turn::{AnswerSource, Reply, TurnHeaders, named_session, start_turn},
        unread_field::with_unread_fields,
    },
    domain::{
        chat::{Caller, Message, Role},
        errors::resources,
        limits::{Asker, AskerId},
    },
    services::turn::{Reader, StoredChatTurn, TurnRequest, TurnSummary},
};

/// The message by which the portal's page asks whether the built-in responder answers. It is not stored.
const DEMO_CHECK: &str = "__demo_check__";

/// The maximum length of a message, in characters. The page itself allows far less.
const MAX_MESSAGE_CHARS: usize = 4000;

failures! { PortalChatFailure, of a turn {
    400 "The request is invalid: no message (`message_required`), too long a one \
         (`message_too_long`), its body (`invalid_json`, `body_incomplete`), a field (`invalid_request`), the session id (`invalid_session_id`), the \
         `Idempotency-Key` (`invalid_idempotency_key`), its length for the model (`prompt_too_long`), or its content \
         (`request_refused`, `answer_withheld`); or the operator's model does not exist (`model_not_found`).",
    401 "The request has a bearer (`bearer_not_accepted`); or the model's provider refuses the API key, even after a refresh \
         (`invalid_api_key`).",
    403 "The request comes from a page of another website (`foreign_origin`); or the portal is switched off, and there are \
         sites (`portal_off`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); or the chat was \
         cleared meanwhile (`chat_changed`), or is full (`storage_full`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

with_unread_fields! {
    /// A message of a visitor of the portal.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(example, skip_serializing_if_is_none)]
    struct PortalRequest {
        /// The text, 1 to 4000 characters without surrounding white space. `__demo_check__` asks for `demo_mode`, and
        /// is not stored.
        #[serde(deserialize_with = "text")]
        #[oai(validator(min_length = 1))]
        message: String,
        /// The session of this turn, for the session log. The header `X-Session-ID` takes precedence.
        #[serde(rename = "sessionId")]
        #[oai(rename = "sessionId", nullable)]
        session_id_camel: Option<String>,
        /// The same as `sessionId`.
        #[oai(nullable, validator(pattern = "^[A-Za-z0-9.:_-]{0,128}$"))]
        session_id: Option<String>,
        /// Whether the response is a stream of events, as with `POST /api/chat`; without this field, `Accept`
        /// decides.
        #[oai(nullable)]
        stream: Option<bool>,
    } unread {
        text, question, voice_text, image, image_url, history, messages, images, files, attached_files, attached_content,
    }
}

/// The answer to a visitor of the portal.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalAnswer {
    /// The text of the answer.
    response: String,
    /// Always true.
    success: bool,
    /// The pages that the answer is based on, in the order of their importance.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<AnswerSource>>,
    /// Whether the built-in responder answers; only in the response to `__demo_check__`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    demo_mode: Option<bool>,
}

impl PortalRequest {
    /// Returns the message without the white space around it. Fails for an empty or overlong one.
    fn text(&self) -> Result<&str, Problem> {
        let text = self.message.trim();
        if text.is_empty() {
            return Err(Problem::new(&resources::EMPTY_PORTAL_MESSAGE));
        }
        if text.chars().count() > MAX_MESSAGE_CHARS {
            return Err(Problem::new(&resources::MESSAGE_TOO_LONG));
        }
        Ok(text)
    }
}

impl PortalAnswer {
    fn new(response: String) -> Self {
        Self { response, success: true, sources: None, demo_mode: None }
    }

    fn of_demo_check(demo_mode: bool) -> Self {
        let response = if demo_mode { "Demo mode: built-in replies answer" } else { "A language model answers" };
        Self { demo_mode: Some(demo_mode), ..Self::new(response.to_owned()) }
    }
}

pub(in crate::api) struct PortalChatApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalChatApi {
    /// Send a message to the portal
    ///
    /// Answers a message, with the visitor's history, which this server stores. Messages of one visitor are answered
    /// one after the other. Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`. A
    /// message without an answer is not part of the history.
    #[oai(
        path = "/chat",
        method = "post",
        operation_id = "portalChat",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's renewed cookie. It is not sent to other websites."
        )
    )]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn chat(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        visit: Visit,
        /// The session of this turn, for the session log.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<PortalRequest>,
    ) -> Result<Reply<PortalAnswer>, PortalChatFailure> {
        let caller = Caller::new(None, None);
        context.note_caller(&caller);
        // With sites, only tickets, accounts and API keys ask, and own pages if there are some.
        if !state.config.server.portal && state.sites.exist() {
            return Err(Problem::new(&resources::PORTAL_OFF).into());
        }
        let text = body.text()?;
        if text == DEMO_CHECK {
            return Ok(Reply::Whole(PortalAnswer::of_demo_check(is_demo_mode(state))));
        }
        let message = Message::new(Role::User, text);
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let session_id = named_session([headers.session, body.session_id_camel, body.session_id])?;
        context.note_session(session_id.as_ref());
        let asker = from.asker(AskerId::Cookie(visit.token().hash()), context);
        let visitor = find_or_admit(state, &visit, headers.idempotency_key.is_some(), &asker).await?;
        let turn = TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller,
            session_id,
            asker,
            stored_chat: Some(StoredChatTurn { owner: visitor.owner, chat: visitor.chat, retry_of: None }),
            model: None,
            persona: state.personas.portal(),
            language: headers.language,
            context: None,
            server_instruction: None,
            options: None,
            messages: vec![message],
            stream: body.stream.unwrap_or(headers.accepts_events),
            is_model_test: false,
            idempotency_key: headers.idempotency_key,
            trace: context.trace(),
            body: context.take_body(),
        };
        let answer = |text, summary: TurnSummary, _: &Reader| {
            Ok(PortalAnswer { sources: AnswerSource::all(summary.sources), ..PortalAnswer::new(text) })
        };
        let reply = start_turn(state, turn, answer).await;
        // No operation of the portal takes the failed message.
        Ok(match reply.map_err(Problem::without_message)? {
            Reply::Events(events) => Reply::Events(events.of_portal()),
            whole @ Reply::Whole(_) => whole,
        })
    }
}

/// Returns the visitor. A new one is stored only if a turn would be admitted now; one who repeats a turn, which costs nothing,
/// is known. `may_repeat`: the request has an idempotency key.
async fn find_or_admit(state: &AppState, visit: &Visit, may_repeat: bool, asker: &Asker) -> Result<Visitor, Problem> {
    if may_repeat
        && state.turns.may_look_up(asker)
        && let Some(known) = state.visitors.find(visit.token()).await?
    {
        return Ok(known);
    }
    state.turns.check_admission(asker)?;
    Ok(state.visitors.find_or_create(visit.token()).await?)
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

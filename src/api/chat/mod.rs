//! The endpoints that start, resume and stop turns: `POST /api/chat` and `/api/chat/stream`,
//! `GET /api/chat/{request_id}/events` and `POST /api/chat/{request_id}/stop`; and the one that rates answers,
//! `POST /api/chat/{request_id}/feedback`.

mod feedback;
mod image;
mod request;

use poem::{Request, web::Data};
use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};
use serde::Serialize;

use self::request::{ChatRequest, MAX_BODY_BYTES};
pub(super) use self::{feedback::FeedbackApi, image::ChatImageApi};
use super::{
    AppState, Group,
    caller::{AccountOrVisitor, AskedFrom, Identity},
    json::Json,
    personas::answering_persona,
    problem::{Problem, failures},
    request_context::RequestContext,
    text_header::TextHeader,
    turn::{ChatAnswer, EventStream, Reply, ResumedStream, TurnHeaders, named_session, start_stream, start_turn},
};
use crate::{domain::errors::resources, services::turn::Reader};

failures! { ChatFailure, of a turn {
    400 "The request is invalid: no message, file or image (`message_required`), its body \
         (`invalid_json`, `body_incomplete`), a field (`invalid_request`), the image (`invalid_image`, `image_not_public`), the session id \
         (`invalid_session_id`), the `Idempotency-Key` \
         (`invalid_idempotency_key`), the model (`model_not_allowed`, `model_not_found`), the persona \
         (`persona_not_found`), its length (`prompt_too_long`), or its content (`request_refused`, `answer_withheld`).",
    401 "The token is invalid, expired or revoked (`token_invalid`, `token_expired`, `token_ended`); \
         the API key of a server is unknown or revoked (`api_key_unknown`, \
         `api_key_revoked`); there are sites, and the request has no ticket (`ticket_required`); the ticket is not valid, \
         expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`); or the model's provider refuses the \
         API key, even after a refresh (`invalid_api_key`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered, and is not run again \
         (`turn_interrupted`).",
    413 "The body is larger than 32 MiB (`body_too_large`), or the question is, of a visitor without an account, larger than the \
         operator allows (`input_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

failures! { StopFailure {
    400 "The session id is malformed (`invalid_session_id`).",
    401 "The token is invalid, expired or revoked (`token_invalid`, `token_expired`, `token_ended`); \
         the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    404 "There is no such turn, or no longer, or it belongs to another session, account, visitor or API \
         key (`turn_not_found`).",
    503 "The database cannot be used (`storage_unavailable`).",
} }

failures! { EventsFailure {
    400 "The turn has no event with this `Last-Event-ID` (`invalid_last_event_id`), or the session id is malformed \
         (`invalid_session_id`).",
    401 "The token is invalid, expired or revoked (`token_invalid`, `token_expired`, `token_ended`); \
         the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    404 "There is no such turn, or no longer, or it belongs to another session, account, visitor or API \
         key (`turn_not_found`).",
    503 "The database cannot be used (`storage_unavailable`).",
} }

/// The result of a request to stop a turn.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct TurnStopped {
    /// Whether the request has stopped the turn.
    status: TurnStatus,
    /// The turn's id.
    request_id: String,
}

/// `stopped`, or `ended` if the turn had ended before.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum TurnStatus {
    Stopped,
    Ended,
}

pub(super) struct ChatApi;

#[OpenApi(prefix_path = "/api", tag = "Group::Chat")]
impl ChatApi {
    /// Ask the model
    ///
    /// Starts one turn: the model answers the message, with its files, image and history. When the response is sent,
    /// the turn is in the session log. In demo mode (no source of a key is configured) the built-in responder
    /// answers, and `model` is `basic`.
    ///
    /// With `"stream": true`, or with an `Accept` that prefers `text/event-stream` to `application/json`, the
    /// response is a stream like that of `POST /api/chat/stream`. Requests with the same `Idempotency-Key` within a
    /// day run one turn.
    ///
    /// No login is required. An `Authorization` header must hold the valid token of an account; that account is then
    /// the caller, whatever `username` and `isGuest` say. Or it holds the API key of a server, which asks for others: then these
    /// say who the caller is.
    #[oai(path = "/chat", method = "post", operation_id = "chat")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn chat(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        identity: Identity,
        /// The session of this turn.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<ChatRequest, MAX_BODY_BYTES>,
    ) -> Result<Reply<ChatAnswer>, ChatFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let persona = answering_persona(state, identity.tenant().as_ref(), body.persona())?;
        let turn_request = body.into_turn_request(state, headers, context, from, &identity, persona)?;
        let answer = |text, summary, reader: &Reader| {
            let answer = ChatAnswer::new(text, summary, reader, &state.clock);
            Ok(if identity.is_signed_in() { answer.with_aliases() } else { answer })
        };
        Ok(start_turn(state, turn_request, answer).await?)
    }

    /// Ask the model, with a stream as the response
    ///
    /// Starts the same turn as `POST /api/chat`, with a stream as the response, whatever `stream` says. A client can
    /// resume a stream that was cut off, and can stop the turn.
    #[oai(path = "/chat/stream", method = "post", operation_id = "chatStream")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn stream(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        identity: Identity,
        /// The session of this turn.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<ChatRequest, MAX_BODY_BYTES>,
    ) -> Result<EventStream, ChatFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let persona = answering_persona(state, identity.tenant().as_ref(), body.persona())?;
        Ok(start_stream(state, body.into_turn_request(state, headers, context, from, &identity, persona)?).await?)
    }

    /// Resume a stream
    ///
    /// Returns the events of a turn after the last one that the client has received, while the turn runs and for a
    /// while after its end. A turn without a client is stopped after a few seconds. The response to a repeated
    /// `Idempotency-Key` may have other events than the first one, with the same text.
    #[oai(path = "/chat/:request_id/events", method = "get", operation_id = "chatEvents")]
    async fn events(
        &self,
        Data(state): Data<&AppState>,
        /// The turn's id: the `X-Request-Id` of its response.
        Path(request_id): Path<String>,
        /// The id of the last event that the client has received; without it, all events are returned.
        #[oai(name = "Last-Event-ID")]
        TextHeader(last_event_id): TextHeader,
        /// The session of the turn. If the header is present, it must match.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        asker: AccountOrVisitor,
    ) -> Result<ResumedStream, EventsFailure> {
        let reader = find(state, &request_id, session, &asker).await?;
        let last_event_id = last_event_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        let seen = last_event_id.map_or(Ok(0), str::parse).ok();
        let reader = seen
            .and_then(|seen| reader.skip_to(seen))
            .ok_or_else(|| Problem::new(&resources::INVALID_LAST_EVENT_ID))?;
        Ok(if reader.is_finished() {
            ResumedStream::Nothing
        } else {
            ResumedStream::Events(EventStream::of(reader, state))
        })
    }

    /// Stop a turn
    ///
    /// Closes the connection to the model at once. The text so far is the answer; the turn is logged and counted.
    #[oai(path = "/chat/:request_id/stop", method = "post", operation_id = "chatStop")]
    async fn stop(
        &self,
        Data(state): Data<&AppState>,
        /// The turn's id: the `X-Request-Id` of its response.
        Path(request_id): Path<String>,
        /// The session of the turn. If the header is present, it must match.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        asker: AccountOrVisitor,
    ) -> Result<Json<TurnStopped>, StopFailure> {
        let reader = find(state, &request_id, session, &asker).await?;
        let request_id = reader.request_id().to_owned();
        let status = if reader.stop() { TurnStatus::Stopped } else { TurnStatus::Ended };
        Ok(Json(TurnStopped { status, request_id }))
    }
}

/// Finds the turn of a request id, if it belongs to the caller and to the named session.
async fn find(
    state: &AppState,
    request_id: &str,
    session: Option<String>,
    asker: &AccountOrVisitor,
) -> Result<Reader, Problem> {
    let session = named_session([session, None, None])?;
    let owner = if state.turns.owner_of(request_id).is_some() { asker.owner(state).await? } else { None };
    let reader = state.turns.find(request_id, &asker.turn_client(session, owner));
    reader.ok_or_else(|| Problem::new(&resources::TURN_NOT_FOUND))
}

impl Example for TurnStopped {
    fn example() -> Self {
        Self { status: TurnStatus::Stopped, request_id: "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27".to_owned() }
    }
}

//! `POST /api/session/start` and `POST /api/session/stop`: the start and the stop of a session.

use std::collections::BTreeMap;

use poem::web::Data;
use poem_openapi::{
    Enum, Object, OpenApi,
    types::{Any, Example},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AppState, Group,
    caller::{AskedFrom, CheckedBearer},
    json::{Json, OptionalJson},
    problem::{Problem, failures},
    text_header::TextHeader,
    turn::named_session,
};
use crate::domain::{errors::requests, session::SessionId};

/// The largest metrics of a session, in bytes as JSON. They are written to the log twice, as a whole and one by one.
const MAX_METRICS_BYTES: usize = 8 << 10;

failures! { StartFailure {
    401 "There is an `Authorization` header, and its token is invalid, expired or revoked (`token_invalid`, `token_expired`, \
         `token_ended`); or the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    429 "The address has started too many sessions (`session_limit_reached`); turns work without one.",
    500 "A fault of this server (`internal_error`).",
    503 "The session cannot be logged or stored (`session_log_unavailable`, `storage_unavailable`).",
} }

failures! { StopFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), `metrics` is not an object or larger \
         than 8 KiB (`invalid_request`), or the id is malformed (`invalid_session_id`).",
    401 "There is an `Authorization` header, and its token is invalid, expired or revoked (`token_invalid`, `token_expired`, \
         `token_ended`); or the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    429 "The session was not started by this server, and the address has started or stopped too many (`session_limit_reached`).",
    500 "A fault of this server (`internal_error`).",
    503 "The stop cannot be logged or stored (`session_log_unavailable`, `storage_unavailable`), or too many large bodies are sent \
         at once (`body_memory_used_up`).",
} }

/// A session that was started.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct SessionStarted {
    /// The session's id, to be sent with each turn.
    session_id: String,
    /// The time of its start, RFC 3339.
    timestamp: String,
    /// Whether the visitor can ask for a person (`POST /api/session/{session_id}/handover`).
    handover: bool,
}

/// The data that a chat window sends when it closes.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "StopSessionRequest", example, nullable_all, skip_serializing_if_is_none)]
struct StopRequest {
    /// The session to stop. The header `X-Session-ID` takes precedence.
    #[oai(validator(pattern = "^[A-Za-z0-9.:_-]{0,128}$"))]
    session_id: Option<String>,
    /// The same as `session_id`.
    #[serde(rename = "sessionId")]
    #[oai(rename = "sessionId")]
    session_id_camel: Option<String>,
    /// Numbers that the window reports, for the session log: at most 8 KiB as JSON.
    metrics: Option<BTreeMap<String, Any<Value>>>,
}

/// A session that has ended.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct SessionStopped {
    /// The status of the session.
    status: SessionStatus,
    /// The time of its end, RFC 3339; the same for a second stop.
    timestamp: String,
    /// The session's id; null when none was named.
    #[oai(nullable)]
    session_id: Option<String>,
    /// The duration in seconds; null if the session was not started by this server.
    #[oai(nullable)]
    duration_seconds: Option<f64>,
}

/// Always `stopped`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum SessionStatus {
    Stopped,
}

pub(super) struct SessionApi;

#[OpenApi(prefix_path = "/api/session", tag = "Group::Session")]
impl SessionApi {
    /// Start a session
    ///
    /// A client can have any number of sessions at once. No body is needed; it is ignored. Nor is an `Authorization` header, but
    /// one that is there must be valid.
    #[oai(path = "/start", method = "post", operation_id = "startSession")]
    async fn start(
        &self,
        Data(state): Data<&AppState>,
        from: AskedFrom,
        bearer: CheckedBearer,
    ) -> Result<Json<SessionStarted>, StartFailure> {
        let (id, at) = state.sessions.begin(from.session_client(bearer)).await?;
        let (session_id, timestamp) = (id.to_string(), state.clock.rfc3339(at));
        Ok(Json(SessionStarted { session_id, timestamp, handover: state.sessions.can_hand_over() }))
    }

    /// Stop a session
    ///
    /// Logs the duration of the session, the client's `metrics`, and the server's own numbers. Accepts JSON sent as
    /// `text/plain`, as `navigator.sendBeacon` does. A second stop has the same response and logs nothing.
    #[oai(path = "/stop", method = "post", operation_id = "stopSession")]
    async fn stop(
        &self,
        Data(state): Data<&AppState>,
        from: AskedFrom,
        bearer: CheckedBearer,
        /// The session to stop.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        OptionalJson(request): OptionalJson<StopRequest>,
    ) -> Result<Json<SessionStopped>, StopFailure> {
        let id = named_session([session, request.session_id_camel, request.session_id])?;
        let session_id = id.as_ref().map(SessionId::to_string);
        let metrics = request.metrics.map(metrics).transpose()?;
        let stopped = state.sessions.end(from.session_client(bearer), id, metrics).await?;
        Ok(Json(SessionStopped {
            status: SessionStatus::Stopped,
            timestamp: state.clock.rfc3339(stopped.at),
            session_id,
            duration_seconds: stopped.duration.map(|duration| duration.as_secs_f64()),
        }))
    }
}

/// Returns the metrics as one value. Fails if they are larger than [`MAX_METRICS_BYTES`].
fn metrics(metrics: BTreeMap<String, Any<Value>>) -> Result<Value, Problem> {
    let metrics = metrics.into_iter().map(|(name, Any(value))| (name, value)).collect::<Value>();
    if metrics.to_string().len() > MAX_METRICS_BYTES {
        let sentence = format!("metrics must have at most {MAX_METRICS_BYTES} bytes as JSON");
        return Err(Problem::new(&requests::INVALID_REQUEST).with_sentence(sentence).with_field("metrics"));
    }
    Ok(metrics)
}

impl Example for SessionStarted {
    fn example() -> Self {
        Self {
            session_id: "session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned(),
            timestamp: "2026-11-21T09:30:00.417000+01:00".to_owned(),
            handover: false,
        }
    }
}

impl Example for StopRequest {
    fn example() -> Self {
        Self {
            session_id: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            session_id_camel: None,
            metrics: Some(BTreeMap::from([("messages".to_owned(), Any(3.into()))])),
        }
    }
}

impl Example for SessionStopped {
    fn example() -> Self {
        Self {
            status: SessionStatus::Stopped,
            timestamp: "2026-11-21T09:42:30.125000+01:00".to_owned(),
            session_id: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            duration_seconds: Some(749.708),
        }
    }
}

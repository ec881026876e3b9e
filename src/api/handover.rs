//! `POST /api/session/{session_id}/handover`: a visitor asks for a person.

use std::fmt;

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};

use super::{
    AppState, Group,
    caller::{AskedFrom, CheckedBearer},
    json::{Accepted, OptionalJson},
    problem::{Problem, failures},
};
use crate::domain::{contact::Contact, errors::requests, session::SessionId};

failures! { HandoverFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), `contact` is too long or has control \
         characters (`invalid_request`), or the id is malformed (`invalid_session_id`).",
    401 "There is an `Authorization` header, and its token is invalid, expired or revoked (`token_invalid`, `token_expired`, \
         `token_ended`); or the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    404 "Nobody gets such requests: the server sends no events (`handover_not_available`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    429 "The address has asked too often (`handover_limit_reached`).",
    500 "A fault of this server (`internal_error`).",
    503 "The request cannot be logged or stored (`session_log_unavailable`, `storage_unavailable`), too many events wait \
         (`event_queue_full`), or too many large bodies are sent at once (`body_memory_used_up`).",
} }

/// A request for a person.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(example, nullable_all, skip_serializing_if_is_none)]
struct HandoverRequest {
    /// How the visitor wants to be reached, such as an e-mail address: at most 200 characters. It is passed on,
    /// and not logged; the server has it until then.
    #[oai(validator(max_length = 200))]
    contact: Option<String>,
}

impl fmt::Debug for HandoverRequest {
    /// Leaves the contact out, which is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandoverRequest").finish_non_exhaustive()
    }
}

/// The request is on its way to a person.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct HandoverAccepted {
    /// The status of the request.
    status: HandoverStatus,
    /// The time of the request, RFC 3339.
    timestamp: String,
}

/// Always `requested`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum HandoverStatus {
    Requested,
}

pub(super) struct HandoverApi;

#[OpenApi(prefix_path = "/api/session", tag = "Group::Session")]
impl HandoverApi {
    /// Ask for a person
    ///
    /// Passes on to the owner of the website that the visitor of a session asks for a person (`handover.requested` of
    /// `EVENTS_URL`). As when a session is stopped, the session may have ended, and need not have been started by this server.
    /// The same request is passed on once, as long as it waits. The body may be absent.
    #[oai(path = "/:session_id/handover", method = "post", operation_id = "requestHandover")]
    async fn hand_over(
        &self,
        Data(state): Data<&AppState>,
        from: AskedFrom,
        bearer: CheckedBearer,
        /// The session's id.
        Path(session_id): Path<String>,
        OptionalJson(request): OptionalJson<HandoverRequest>,
    ) -> Result<Accepted<HandoverAccepted>, HandoverFailure> {
        let id = SessionId::parse(&session_id)?;
        let contact = Contact::parse(request.contact.as_deref().unwrap_or_default()).map_err(|invalid| {
            Problem::new(&requests::INVALID_REQUEST).with_sentence(invalid.to_string()).with_field("contact")
        })?;
        let at = state.sessions.hand_over(from.session_client(bearer), id, contact).await?;
        let timestamp = state.clock.rfc3339(at);
        Ok(Accepted(HandoverAccepted { status: HandoverStatus::Requested, timestamp }))
    }
}

impl Example for HandoverRequest {
    fn example() -> Self {
        Self { contact: Some("ada@shop.example".to_owned()) }
    }
}

impl Example for HandoverAccepted {
    fn example() -> Self {
        Self { status: HandoverStatus::Requested, timestamp: "2026-11-21T09:41:07.250000+01:00".to_owned() }
    }
}

//! The parts of a request that all endpoints that start a turn read: headers, session id and model.

use poem::{Request, http::header};

use super::event_stream::EVENTS;
use crate::{
    domain::session::{InvalidSessionId, SessionId},
    services::turn::{IdempotencyKey, InvalidIdempotencyKey},
};

/// The headers that concern a turn.
pub(in crate::api) struct Headers {
    pub(in crate::api) session: Option<String>,
    pub(in crate::api) idempotency_key: Option<IdempotencyKey>,
    /// Whether the `Accept` header contains `text/event-stream` and not `application/json`.
    pub(in crate::api) accepts_events: bool,
}

impl Headers {
    /// Reads the headers of a request. The framework has already read two of them, which are parameters of the contract.
    pub(in crate::api) fn read(
        request: &Request,
        session: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<Self, InvalidIdempotencyKey> {
        // The framework ignores a header that isn't ASCII.
        if idempotency_key.is_none() && request.headers().contains_key("idempotency-key") {
            return Err(InvalidIdempotencyKey);
        }
        let idempotency_key = idempotency_key.map(|key| IdempotencyKey::parse(&key)).transpose()?;
        Ok(Self { session, idempotency_key, accepts_events: accepts_events(request) })
    }
}

/// Whether the `Accept` header of a request contains `text/event-stream` and not `application/json`.
fn accepts_events(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let accept = accept.to_ascii_lowercase();
    accept.contains(EVENTS) && !accept.contains("application/json")
}

/// Parses the session id of a request: the first of the given texts that isn't blank.
pub(in crate::api) fn named_session(names: [Option<String>; 3]) -> Result<Option<SessionId>, InvalidSessionId> {
    let mut names = names.into_iter().flatten();
    let name = names.find(|name| !name.trim().is_empty());
    name.map(|name| SessionId::parse(name.trim())).transpose()
}

/// Returns the model that a request names, trimmed; `None` if it is blank.
pub(in crate::api) fn named_model(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

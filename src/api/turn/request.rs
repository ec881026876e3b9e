//! The parts of a request that all endpoints that start a turn read: headers, session id and model.

use poem::{Request, http::HeaderMap};

use crate::{
    api::{accept, accept_language::preferred_language},
    domain::session::{InvalidSessionId, SessionId},
    services::turn::{IdempotencyKey, InvalidIdempotencyKey},
};

/// The headers of a request for a turn.
pub(in crate::api) struct TurnHeaders {
    pub(in crate::api) session: Option<String>,
    pub(in crate::api) idempotency_key: Option<IdempotencyKey>,
    /// Whether the client prefers an event stream to JSON.
    pub(in crate::api) accepts_events: bool,
    /// The language that the client prefers.
    pub(in crate::api) language: Option<String>,
}

impl TurnHeaders {
    /// Reads the headers of a request. The framework has already read two of them, which are parameters of the contract.
    pub(in crate::api) fn read(
        request: &Request,
        session: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<Self, InvalidIdempotencyKey> {
        let idempotency_key = idempotency_key.map(|key| IdempotencyKey::parse(&key)).transpose()?;
        let accepts_events = prefers_events(request.headers());
        Ok(Self { session, idempotency_key, accepts_events, language: preferred_language(request.headers()) })
    }
}

/// Whether `Accept` lists event streams with a higher weight than JSON. With equal weights the answer is JSON.
fn prefers_events(headers: &HeaderMap) -> bool {
    let weight = accept::weight(headers, &accept::EVENT_STREAM);
    weight > 0.0 && weight > accept::weight(headers, &accept::JSON)
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

#[cfg(test)]
mod tests {
    use poem::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn events_are_preferred_only_with_a_higher_weight_than_json() {
        let prefers = |accept: &'static str| {
            prefers_events(&[(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect())
        };
        for accept in [
            "text/event-stream",
            "text/event-stream;q=0.1, */*",
            "application/json;q=0.5, text/event-stream",
            "text/event-stream;q=0.5, application/json;q=0",
            "garbage, text/event-stream",
        ] {
            assert!(prefers(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/event-stream;q=0",
            "application/json, text/event-stream",
            "text/event-stream, application/json",
            "text/event-stream;q=0.5, application/json",
            "text/event-stream;q=garbage",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!prefers_events(&HeaderMap::new()));
    }
}

//! Refused requests for turns, which get a line in the session log in place of that of a turn.

use poem::{
    Request,
    http::{HeaderValue, Method},
};

use super::{path_pattern::fits, problem::Problem, request_context::RequestContext};
use crate::{
    adapters::session_log::{Refusal, RefusalKind, SessionLog},
    domain::session::SessionId,
};

/// The endpoints that start turns.
const ENDPOINTS: [&str; 8] = [
    "POST /api/chat",
    "POST /api/chat/stream",
    "POST /api/chat/image",
    "POST /api/messages/{chat_id}/send",
    "POST /api/messages/{chat_id}/send/stream",
    "POST /api/messages/{message_id}/retry",
    "POST /chat",
    "POST /v1/chat/completions",
];

/// A request for a turn.
pub(super) struct TurnEntry {
    endpoint: &'static str,
    /// The session that the headers name.
    session: Option<HeaderValue>,
}

impl TurnEntry {
    /// Returns what the log needs of a request before it is read; `None` for requests to other endpoints.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let endpoint = endpoint_of(request.method(), request.uri().path())?;
        Some(Self { endpoint, session: request.headers().get("x-session-id").cloned() })
    }

    /// Writes a request that was refused to the session log, unless the turn that has failed has its own line there.
    pub(super) fn log_refusal(&self, log: &SessionLog, problem: &Problem, context: &RequestContext) {
        if problem.has_log_line {
            return;
        }
        let (status, site) = (problem.status.as_u16(), context.site());
        let kind = RefusalKind { endpoint: self.endpoint, status, code: problem.code, site };
        log.note_refusal(kind, || Refusal {
            request_id: context.id.clone(),
            session_id: context.session().cloned().or_else(|| self.named_session()),
            caller: context.caller().cloned(),
            api_key: context.api_key(),
            latency: context.arrived.elapsed(),
        });
    }

    fn named_session(&self) -> Option<SessionId> {
        SessionId::parse(self.session.as_ref()?.to_str().ok()?.trim()).ok()
    }
}

fn endpoint_of(method: &Method, path: &str) -> Option<&'static str> {
    let is_of = |endpoint: &&str| endpoint.strip_prefix("POST ").is_some_and(|pattern| fits(pattern, path));
    if method == Method::POST { ENDPOINTS.into_iter().find(is_of) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_endpoints_are_those_whose_contract_has_a_turns_failures() {
        let contract: Value = serde_json::from_str(&crate::api::contract()).unwrap();
        let mut found = Vec::new();
        for (path, methods) in contract["paths"].as_object().unwrap() {
            let failure = |operation: &Value| operation["responses"]["503"]["description"].to_string();
            let of_turns = |operation: &Value| failure(operation).contains("The turn cannot run now");
            let starts = methods.as_object().unwrap().iter().filter(|(_, operation)| of_turns(operation));
            found.extend(starts.map(|(method, _)| format!("{} {path}", method.to_uppercase())));
        }
        let mut listed = ENDPOINTS.map(str::to_owned).to_vec();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
    }

    #[test]
    fn other_requests_start_no_turn() {
        let endpoint = |method: &Method, path| endpoint_of(method, path);
        assert_eq!(endpoint(&Method::POST, "/api/messages/7/send"), Some("POST /api/messages/{chat_id}/send"));
        for path in ["/api/messages/7/messages", "/api/chat/", "/api/chat/7/stop", "/"] {
            assert_eq!(endpoint(&Method::POST, path), None, "{path}");
        }
        assert_eq!(endpoint(&Method::GET, "/api/chat"), None);
    }
}

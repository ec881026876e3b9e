//! A turn as the operator sees it: its line in the session log without the texts.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::services::log_report::TurnLine;

/// A turn in the session log. Lines of earlier versions lack fields, which are null.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct LoggedTurn {
    /// The id of the request.
    #[oai(nullable)]
    request_id: Option<String>,
    /// The time of its end, as the log has it.
    timestamp: String,
    /// The id of the session.
    #[oai(nullable)]
    session_id: Option<String>,
    /// The name of the user; null for guests.
    #[oai(nullable)]
    user: Option<String>,
    /// The id of the site.
    #[oai(nullable)]
    site: Option<String>,
    /// The id of the persona.
    #[oai(nullable)]
    persona: Option<String>,
    /// The model that was called.
    #[oai(nullable)]
    model: Option<String>,
    /// The way in which it ended, as the log names it.
    #[oai(nullable)]
    finish: Option<String>,
    /// The error code; null for answered turns.
    #[oai(nullable)]
    code: Option<String>,
    /// The tokens of the prompt and the answer.
    #[oai(nullable)]
    total_tokens: Option<u64>,
    /// The cost in US dollars; null if the model's price is not known.
    #[oai(nullable)]
    cost_usd: Option<f64>,
    /// The time from the request to its end, in ms.
    #[oai(nullable)]
    latency_ms: Option<f64>,
    /// The time from the request to the first text, in ms.
    #[oai(nullable)]
    first_word_ms: Option<f64>,
}

impl LoggedTurn {
    pub(super) fn new(line: TurnLine) -> Self {
        let user = line.user().map(str::to_owned);
        let TurnLine { request_id, timestamp, session_id, site, persona, model, finish, code, .. } = line;
        let TurnLine { total_tokens, cost_usd, latency_ms, first_word_ms, .. } = line;
        Self {
            request_id,
            timestamp,
            session_id,
            user,
            site,
            persona,
            model,
            finish,
            code,
            total_tokens,
            cost_usd,
            latency_ms,
            first_word_ms,
        }
    }
}

impl Example for LoggedTurn {
    fn example() -> Self {
        Self {
            request_id: Some("01a22757-0d11-725c-9a9d-cbf19ebe8885".to_owned()),
            timestamp: "2026-11-29T13:45:46.132000+01:00".to_owned(),
            session_id: Some("session_20261129_093000_k3vq8mzt5wxnp2ra".to_owned()),
            user: Some("ada".to_owned()),
            site: Some("shop".to_owned()),
            persona: Some("amaya".to_owned()),
            model: Some("gpt-4o-mini".to_owned()),
            finish: Some("complete".to_owned()),
            code: None,
            total_tokens: Some(23),
            cost_usd: Some(7.5e-6),
            latency_ms: Some(842.508),
            first_word_ms: Some(302.425),
        }
    }
}

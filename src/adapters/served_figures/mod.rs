//! The figures that a running service returns: `GET /api/openai/usage` and `GET /metrics`.

mod exposition;

use std::{collections::BTreeMap, time::Duration};

use reqwest::{StatusCode, header::ACCEPT};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use self::exposition::samples;
use crate::{
    domain::cost::{TokenUsage, pico_dollars},
    foundation::{
        http_client::{Client, ReadFailure, read_body, url_below},
        secret::ServerUrl,
    },
};

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 << 20;

/// The time limit for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The figures of turns that a running service returns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedFigures {
    /// The answer to `GET /api/openai/usage`.
    pub usage: ServedUsage,
    /// The answer to `GET /metrics`.
    pub metrics: ServedMetrics,
}

/// The totals since the database was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServedUsage {
    /// The number of answered turns.
    pub answered: u64,
    /// The tokens of all turns.
    pub usage: TokenUsage,
    /// The cost in pico-dollars.
    pub cost: u64,
}

/// The counters since the start of the process, without those that are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedMetrics {
    /// The id of the process.
    pub instance: Option<Uuid>,
    /// The turns by model and reason of the end.
    pub turns: BTreeMap<(String, String), u64>,
    /// The failed turns by model and error code.
    pub errors: BTreeMap<(String, String), u64>,
    /// The tokens by model and kind, `prompt` or `completion`.
    pub tokens: BTreeMap<(String, String), u64>,
    /// The cost by model in pico-dollars.
    pub cost: BTreeMap<String, u64>,
}

/// The figures of a service could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ServedFiguresFailure {
    /// The service cannot be reached.
    #[error("{0} cannot be reached")]
    Unreachable(ServerUrl, #[source] reqwest::Error),
    /// The figures are for the operator.
    #[error("{0} is for the operator; set ADMIN_TOKEN to that of the service")]
    Refused(ServerUrl),
    /// The answer has an error status.
    #[error("{0} answers with status {1}")]
    Status(ServerUrl, u16),
    /// The answer could not be read.
    #[error("the answer of {0} cannot be read")]
    Read(ServerUrl, #[source] ReadFailure),
    /// The answer is not that of al-chat.
    #[error("the answer of {0} is not that of al-chat")]
    Foreign(ServerUrl),
}

#[derive(Deserialize)]
struct UsageAnswer {
    total_prompt_tokens: u64,
    total_completion_tokens: u64,
    request_count: u64,
    estimated_cost_usd: f64,
}

/// A service, and what is sent to it.
#[derive(Debug)]
pub struct FigureSource {
    /// The client that sends the requests.
    pub client: Client,
    /// The base address.
    pub server: ServerUrl,
    /// The token of the operator, if it is known.
    pub token: Option<SecretString>,
}

/// Reads the figures of a service.
pub async fn read(source: &FigureSource) -> Result<ServedFigures, ServedFiguresFailure> {
    // Metrics first: totals are complete when they are answered.
    let (url, text) = get(source, "metrics", "text/plain").await?;
    let metrics = String::from_utf8(text).ok().and_then(|text| metrics(&text));
    let metrics = metrics.ok_or(ServedFiguresFailure::Foreign(url))?;
    let (url, text) = get(source, "api/openai/usage", "application/json").await?;
    let usage = serde_json::from_slice::<UsageAnswer>(&text).map_err(|_| ServedFiguresFailure::Foreign(url))?;
    let tokens = TokenUsage { prompt: usage.total_prompt_tokens, completion: usage.total_completion_tokens };
    let usage =
        ServedUsage { answered: usage.request_count, usage: tokens, cost: pico_dollars(usage.estimated_cost_usd) };
    Ok(ServedFigures { usage, metrics })
}

async fn get(source: &FigureSource, path: &str, accept: &str) -> Result<(ServerUrl, Vec<u8>), ServedFiguresFailure> {
    let FigureSource { client, server, token } = source;
    let url = ServerUrl::from(url_below(server, path));
    let request = |client: &reqwest::Client| {
        let request = client.get((*url).clone()).header(ACCEPT, accept).timeout(TIMEOUT);
        match token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    };
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return Err(ServedFiguresFailure::Unreachable(url, error.without_url())),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        return Err(ServedFiguresFailure::Refused(url));
    }
    if !response.status().is_success() {
        return Err(ServedFiguresFailure::Status(url, response.status().as_u16()));
    }
    match read_body(response, MAX_ANSWER, TIMEOUT).await {
        Ok(body) => Ok((url, body)),
        Err(failure) => Err(ServedFiguresFailure::Read(url, failure)),
    }
}

/// Returns the counters in a text of Prometheus's format; `None` if it is not that of al-chat.
fn metrics(text: &str) -> Option<ServedMetrics> {
    let mut metrics = ServedMetrics::default();
    let mut is_own = false;
    for sample in samples(text) {
        is_own |= sample.name.starts_with("al_chat_");
        let label = |name: &str| sample.labels.get(name).cloned().unwrap_or_default();
        let keyed = |name: &str| (label("model"), label(name));
        match sample.name {
            "al_chat_process_info" => metrics.instance = label("instance").parse().ok(),
            _ if sample.value == 0.0 => {}
            "al_chat_turns_total" => drop(metrics.turns.insert(keyed("finish"), sample.count())),
            "al_chat_turn_errors_total" => drop(metrics.errors.insert(keyed("code"), sample.count())),
            "al_chat_tokens_total" => drop(metrics.tokens.insert(keyed("kind"), sample.count())),
            "al_chat_cost_usd_total" => drop(metrics.cost.insert(label("model"), pico_dollars(sample.value))),
            _ => {}
        }
    }
    is_own.then_some(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_with_their_labels() {
        let text = "# HELP al_chat_turns_total Turns.\n# TYPE al_chat_turns_total counter\n\
                    al_chat_turns_total{model=\"a\\\"b\",finish=\"complete\"} 3\n\
                    al_chat_turns_total{model=\"a\",finish=\"timeout\"} 0\n\
                    al_chat_tokens_total{model=\"a,}\",kind=\"prompt\"} 12\nal_chat_cost_usd_total{model=\"a\"} 0.0000075\n\
                    al_chat_process_info{instance=\"01a22757-0b80-7c41-9d5e-2f0a4c1b7e63\",version=\"1\"} 1\n";
        let found = metrics(text).unwrap();
        let key = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(found.turns, [(key("a\"b", "complete"), 3)].into());
        assert_eq!(found.tokens, [(key("a,}", "prompt"), 12)].into());
        assert_eq!(found.cost, [("a".to_owned(), 7_500_000)].into());
        assert_eq!(found.instance.map(|id| id.to_string()).as_deref(), Some("01a22757-0b80-7c41-9d5e-2f0a4c1b7e63"));
        assert_eq!(metrics("other_total 1\n"), None);
    }
}

//! Sends usage records to Papita's usage log.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
    foundation::{
        http_client::{Cause, Client, ReadFailure, cause, read_body, url_below},
        secret::ServerUrl,
    },
};

/// The largest response that is read from Papita, in bytes.
const MAX_RESPONSE: usize = 64 << 10;

/// The body of a request to Papita's usage log: the usage of one turn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageRecord<'a> {
    user_id: Option<i64>,
    username: &'a str,
    is_guest: bool,
    session_id: Option<&'a str>,
    project_id: &'a str,
    model: &'a str,
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// Encodes the usage record of a turn as JSON; `None` if it cannot be encoded, which is logged.
#[must_use]
pub fn encode_record(caller: &Caller, session: Option<&SessionId>, model: &str, usage: TokenUsage) -> Option<String> {
    let record = UsageRecord {
        user_id: None,
        username: &caller.username,
        is_guest: caller.is_guest,
        session_id: session.map(SessionId::as_str),
        project_id: "al-chat",
        model,
        input_tokens: usage.prompt,
        output_tokens: usage.completion,
        total_tokens: usage.total(),
    };
    let encoded = serde_json::to_string(&record);
    encoded.inspect_err(|error| tracing::error!(%error, "a usage record could not be encoded")).ok()
}

/// Returns the session that an encoded record names.
#[must_use]
pub fn session_of(record: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        session_id: Option<String>,
    }
    serde_json::from_str::<Named>(record).ok()?.session_id
}

/// Returns the model and the tokens that an encoded record names; `None` if it is none.
#[must_use]
pub fn usage_of(record: &str) -> Option<(String, TokenUsage)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Used {
        model: String,
        input_tokens: u64,
        output_tokens: u64,
    }
    let Used { model, input_tokens, output_tokens } = serde_json::from_str(record).ok()?;
    Some((model, TokenUsage { prompt: input_tokens, completion: output_tokens }))
}

/// Papita did not accept a usage record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PostFailure {
    /// No connection to Papita's address, or the connection was lost.
    #[error("Papita cannot be reached")]
    Unreachable,
    /// This process has no file descriptor left for a connection, so Papita was not asked.
    #[error("no file descriptor is left for a connection to Papita")]
    NoDescriptors,
    /// Papita did not answer within `PAPITA_TIMEOUT`.
    #[error("Papita did not answer a usage record in time")]
    Timeout,
    /// The response has the status of a success, but is not a JSON object.
    #[error(
        "the answer to a usage record has status {0} but is not a JSON object; does PAPITA_API_URL lead to a proxy or to \
         another server?"
    )]
    NotPapita(u16),
    /// A response with an error status; a later attempt may succeed.
    #[error("Papita answered a usage record with status {0}")]
    Status(u16),
    /// Papita refuses this record with a status for which another attempt would fail too.
    #[error("Papita refuses a usage record with status {0}")]
    Refused(u16),
}

impl PostFailure {
    fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Self::Refused(status.as_u16())
            }
            _ => Self::Status(status.as_u16()),
        }
    }
}

/// A client for Papita's usage log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageLog {
    client: Client,
    url: ServerUrl,
    timeout: Duration,
}

impl UsageLog {
    /// Returns a client for the Papita at a base URL. `timeout` limits each request.
    #[must_use]
    pub fn new(client: Client, base: &Url, timeout: Duration) -> Self {
        let url = url_below(base, "api/usage/log").into();
        Self { client, url, timeout }
    }

    /// Sends one record. Papita may receive a record twice if the process ends before the outbox is updated. The id of the
    /// turn's request is sent as `Idempotency-Key`, by which Papita can recognize that.
    ///
    /// Only a JSON object shows that Papita has the record: proxies and sign-in pages answer with success, too.
    pub async fn post(&self, request_id: &str, body: &str) -> Result<(), PostFailure> {
        tokio::time::timeout(self.timeout, self.send(request_id, body)).await.unwrap_or(Err(PostFailure::Timeout))
    }

    async fn send(&self, request_id: &str, body: &str) -> Result<(), PostFailure> {
        let request = |client: &reqwest::Client| {
            client
                .post(Url::clone(&self.url))
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .header("idempotency-key", request_id)
                .body(body.to_owned())
        };
        let response = self.client.send(request).await.map_err(|error| match cause(&error) {
            Cause::NoDescriptors => PostFailure::NoDescriptors,
            _ => PostFailure::Unreachable,
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(PostFailure::from_status(status));
        }
        let not_papita = PostFailure::NotPapita(status.as_u16());
        let body = read_body(response, MAX_RESPONSE, self.timeout).await.map_err(|failure| match failure {
            ReadFailure::TooLarge => not_papita,
            ReadFailure::Idle | ReadFailure::Lost(_) => PostFailure::Unreachable,
        })?;
        let is_object = serde_json::from_slice::<Map<String, Value>>(&body).is_ok();
        if is_object { Ok(()) } else { Err(not_papita) }
    }
}

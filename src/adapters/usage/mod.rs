//! Sends usage records to Papita's usage log.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::{
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
    foundation::http_client::{Client, url_below},
};

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

/// Papita did not accept a usage record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// Papita cannot be reached or has failed; a later attempt may succeed.
    #[error("Papita cannot take usage records now")]
    Unavailable,
    /// Papita refuses this record with a status for which another attempt would fail too.
    #[error("Papita refuses a usage record with status {0}")]
    Refused(u16),
}

/// A client for Papita's usage log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageLog {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl UsageLog {
    /// Returns a client for the Papita at a base URL. `timeout` limits each request.
    #[must_use]
    pub fn new(client: Client, base: &Url, timeout: Duration) -> Self {
        let url = url_below(base, "api/usage/log");
        Self { client, url, timeout }
    }

    /// Sends one record. Papita may receive a record twice if the process ends before the outbox is updated. The id of the
    /// turn's request is sent as `Idempotency-Key`, by which Papita can recognize that.
    pub async fn post(&self, request_id: &str, body: &str) -> Result<(), PostFailure> {
        let request = |client: &reqwest::Client| {
            client
                .post(self.url.clone())
                .timeout(self.timeout)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .header("idempotency-key", request_id)
                .body(body.to_owned())
        };
        let response = self.client.send(request).await;
        match response.map(|response| response.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(
                status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY),
            ) => Err(PostFailure::Refused(status.as_u16())),
            Ok(_) | Err(_) => Err(PostFailure::Unavailable),
        }
    }
}

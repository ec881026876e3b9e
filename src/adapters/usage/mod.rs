//! The door to Papita's usage log.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::{
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
    foundation::http_client::Client,
};

/// The usage of one turn, as Papita reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
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

/// The body to post for a turn; `None` only if it could not be encoded, which is logged.
#[must_use]
pub fn record(caller: &Caller, session: Option<&SessionId>, model: &str, usage: TokenUsage) -> Option<String> {
    let record = Record {
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

/// Papita did not take a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// It may take it later.
    #[error("Papita cannot take usage records now")]
    Later,
    /// It will never take this one.
    #[error("Papita refuses a usage record with status {0}")]
    Refused(u16),
}

/// Posts usage records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageLog {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl UsageLog {
    /// The usage log of the Papita at this address.
    #[must_use]
    pub fn new(client: Client, base: &Url, timeout: Duration) -> Self {
        let mut url = base.clone();
        url.set_path(&format!("{}/api/usage/log", base.path().trim_end_matches('/')));
        Self { client, url, timeout }
    }

    /// Posts one record. A record may arrive twice when the process dies in between; the request's id goes along as
    /// `Idempotency-Key` for a Papita that minds.
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
            Ok(_) | Err(_) => Err(PostFailure::Later),
        }
    }
}

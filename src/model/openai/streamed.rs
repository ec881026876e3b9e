//! An answer that comes in pieces, as Server-Sent Events.

use std::time::Duration;

use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Limits, ModelFailure,
    sse::Decoder,
    whole::{Said, read_finish, read_usage},
};
use crate::{chat::Finish, cost::TokenUsage, http_client::ReadFailure, model::refusal};

/// The data of the event that ends a stream.
const DONE: &[u8] = b"[DONE]";

/// How long to wait for figures when the last word is there.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How long to wait for the end of a body behind its last event.
const READING_OUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Streamed {
    response: reqwest::Response,
    decoder: Decoder,
    usage: Option<TokenUsage>,
    finish_reason: Option<String>,
    /// Bytes of text so far.
    length: usize,
    is_done: bool,
}

impl Streamed {
    pub(super) fn new(mut response: reqwest::Response) -> Self {
        // They have been read, and would keep the 8 KiB that the head was read into.
        *response.headers_mut() = HeaderMap::new();
        let decoder = Decoder::default();
        Self { response, decoder, usage: None, finish_reason: None, length: 0, is_done: false }
    }

    /// The next piece of text; `None` when there is no more.
    pub(super) async fn next(&mut self, limits: Limits) -> Result<Option<String>, ModelFailure> {
        while !self.is_done {
            while let Some(data) = self.decoder.next() {
                if data == DONE {
                    self.is_done = true;
                    return Ok(None);
                }
                if data.is_empty() {
                    continue;
                }
                let chunk = read_chunk(data)?;
                if let Some(text) = self.take_in(chunk) {
                    self.length += text.len();
                    if self.length > limits.response {
                        return Err(ModelFailure::TooLarge);
                    }
                    return Ok(Some(text));
                }
            }
            if self.decoder.pending() > limits.response {
                return Err(ModelFailure::TooLarge);
            }
            let read = self.read(self.patience(limits)).await;
            // Once the reason for the answer's end has come it is complete, however its connection ends.
            self.is_done = self.finish_reason.is_some() && !matches!(read, Ok(true));
            if !self.is_done && !read? {
                return Err(ModelFailure::ConnectionLost);
            }
        }
        Ok(None)
    }

    /// A model that thinks is silent before its first word for longer than between two; and what comes after its last,
    /// the figures, comes at once.
    fn patience(&self, limits: Limits) -> Duration {
        match (self.length, &self.finish_reason) {
            (_, Some(_)) => limits.idle_timeout.min(LAST_WAIT),
            (0, None) => limits.first_byte_timeout.max(limits.idle_timeout),
            (_, None) => limits.idle_timeout,
        }
    }

    /// Reads on. Returns whether there was something to read.
    async fn read(&mut self, patience: Duration) -> Result<bool, ModelFailure> {
        let read = tokio::time::timeout(patience, self.response.chunk()).await;
        let bytes = read.map_err(|_| ModelFailure::Timeout)?.map_err(ReadFailure::Lost)?;
        if let Some(bytes) = &bytes {
            self.decoder.feed(bytes);
        }
        Ok(bytes.is_some())
    }

    /// Reads what comes behind the end, so that the connection can be used for the next question.
    pub(super) async fn read_out(mut self) {
        let reading = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        // A server that takes longer has its connection closed.
        let _ = tokio::time::timeout(READING_OUT, reading).await;
    }

    fn take_in(&mut self, chunk: Chunk) -> Option<String> {
        if let Some(usage) = chunk.usage.as_ref().and_then(read_usage) {
            self.usage = Some(usage);
        }
        let choice = chunk.choices?.into_iter().next()?;
        if choice.finish_reason.is_some() {
            self.finish_reason = choice.finish_reason;
        }
        Some(choice.delta.unwrap_or_default().into_text()).filter(|text| !text.is_empty())
    }

    /// What it took, and how it ended.
    pub(super) fn ending(&self) -> Result<(Option<TokenUsage>, Finish), ModelFailure> {
        Ok((self.usage, read_finish(self.finish_reason.as_deref(), self.length > 0)?))
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Said>,
    finish_reason: Option<String>,
}

fn read_chunk(data: &[u8]) -> Result<Chunk, ModelFailure> {
    let chunk: Chunk = serde_json::from_slice(data).map_err(|_| ModelFailure::Unreadable)?;
    match &chunk.error {
        None => Ok(chunk),
        Some(error) => Err(refusal::meaning(status_of(error), None, data)),
    }
}

/// The status that an error in the middle of a stream would have had at its start.
fn status_of(error: &Value) -> StatusCode {
    let number = |name| error.get(name)?.as_u64().and_then(|code| u16::try_from(code).ok());
    let told = number("code").or_else(|| number("status")).and_then(|code| StatusCode::from_u16(code).ok());
    told.filter(|status| status.is_client_error() || status.is_server_error()).unwrap_or_else(|| {
        match error.get("type").and_then(Value::as_str) {
            Some("rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota") => StatusCode::TOO_MANY_REQUESTS,
            Some("invalid_request_error") => StatusCode::BAD_REQUEST,
            Some("overloaded_error") => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_middle_has_the_meaning_it_would_have_had_at_the_start() {
        let failure = |data: &str| read_chunk(data.as_bytes()).err();
        let quota = r#"{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert_eq!(failure(quota), Some(ModelFailure::QuotaExhausted { retry_after: None }));
        assert_eq!(failure(r#"{"error":{"code":503}}"#), Some(ModelFailure::Overloaded { retry_after: None }));
        assert_eq!(
            failure(r#"{"error":{"message":"boom","code":200}}"#),
            Some(ModelFailure::Failed { status: 500, retry_after: None })
        );
        assert_eq!(failure(r#"{"error":"boom"}"#), Some(ModelFailure::Failed { status: 500, retry_after: None }));
        assert_eq!(failure("<html>"), Some(ModelFailure::Unreadable));
        assert_eq!(failure(r#"{"choices":[],"error":null}"#), None);
    }
}

//! What a provider means by an error status. Its text is read for that, and never passed on.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

use super::ModelFailure;

/// Nobody is asked to wait longer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How long the provider asks to wait (RFC 9110, 10.2.3): seconds, or a date, which is taken relative to the
/// provider's own clock in `Date`.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if let Ok(seconds) = text.parse::<f64>() {
        seconds
    } else {
        let then = rfc2822::parse(text).ok()?.timestamp();
        let now = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?.timestamp();
        then.duration_since(now).as_secs_f64()
    };
    let seconds = Duration::try_from_secs_f64(seconds.max(1.0)).ok()?;
    Some(seconds.min(LONGEST_WAIT))
}

/// What the provider means.
pub(super) fn meaning(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ModelFailure {
    let said = Said::read(body);
    match status.as_u16() {
        401 => ModelFailure::Unauthorized,
        403 => ModelFailure::Forbidden,
        429 if said.mentions(&["insufficient_quota"]) => ModelFailure::QuotaExhausted { retry_after },
        429 => ModelFailure::RateLimited { retry_after },
        400 | 404 | 413 | 422 if said.is_about_length() => ModelFailure::PromptTooLong,
        413 => ModelFailure::PromptTooLong,
        400 | 404 | 422 if said.is_about_the_model() => ModelFailure::UnknownModel,
        404 => ModelFailure::Failed { status: 404, retry_after },
        408 | 504 | 522 | 524 => ModelFailure::GatewayTimeout { retry_after },
        503 | 529 => ModelFailure::Overloaded { retry_after },
        status @ 400..=499 => ModelFailure::RequestRefused(status),
        status => ModelFailure::Failed { status, retry_after },
    }
}

/// The words of an error body, in lower case; where they stand differs from server to server.
struct Said(String);

impl Said {
    fn read(body: &[u8]) -> Self {
        let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(&body);
        let words = ["code", "type", "message", "detail"].map(|name| error.get(name).and_then(Value::as_str));
        let words = words.into_iter().flatten().chain(error.as_str());
        Self(words.collect::<Vec<_>>().join(" ").to_lowercase())
    }

    fn mentions(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.contains(word))
    }

    fn is_about_length(&self) -> bool {
        self.mentions(&[
            "context_length",
            "context length",
            "context window",
            "context size",
            "exceed_context_size",
            "string_above_max_length",
            "too many tokens",
            "prompt is too long",
            "maximum context",
        ])
    }

    fn is_about_the_model(&self) -> bool {
        self.mentions(&[
            "model_not_found",
            "invalid model",
            "unknown model",
            "unsupported model",
            "model_not_supported",
        ]) || (self.mentions(&["model"]) && self.mentions(&["does not exist", "not found", "not exist"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> ModelFailure {
        meaning(StatusCode::from_u16(status).unwrap(), None, body.as_bytes())
    }

    #[test]
    fn the_words_of_known_servers_are_understood() {
        let openai = r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(said(400, openai), ModelFailure::PromptTooLong);
        let openai = r#"{"error":{"message":"The model `gpt-9` does not exist","code":"model_not_found"}}"#;
        assert_eq!(said(404, openai), ModelFailure::UnknownModel);
        let ollama = r#"{"error":{"message":"model 'x' not found","type":"not_found_error","code":null}}"#;
        assert_eq!(said(404, ollama), ModelFailure::UnknownModel);
        let vllm = r#"{"object":"error","message":"This model's maximum context length is 4096","code":400}"#;
        assert_eq!(said(400, vllm), ModelFailure::PromptTooLong);
        assert_eq!(said(404, "<html>Not Found</html>"), ModelFailure::Failed { status: 404, retry_after: None });
        assert_eq!(said(400, ""), ModelFailure::RequestRefused(400));
        assert_eq!(said(500, r#"{"error":"boom"}"#), ModelFailure::Failed { status: 500, retry_after: None });
        let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
        assert_eq!(said(429, quota), ModelFailure::QuotaExhausted { retry_after: None });
    }

    #[test]
    fn waits_are_seconds_or_dates() {
        let wait = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            retry_after(&headers.collect())
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "0")]), Some(Duration::from_secs(1)));
        assert_eq!(wait(&[("retry-after", "999999999")]), Some(LONGEST_WAIT));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        let date = ("date", "Sat, 21 Nov 2026 01:00:00 GMT");
        assert_eq!(wait(&[date, ("retry-after", "Sat, 21 Nov 2026 01:00:30 GMT")]), Some(Duration::from_secs(30)));
    }
}

//! The failure that a provider's error means.

use std::time::Duration;

use reqwest::StatusCode;

use super::error::ProviderError;
use crate::adapters::model::{
    ModelFailure,
    openai::phrases::{self, Meaning},
};

/// Parts of the names of errors in lower case, and the statuses that they stand for.
const NAMED_STATUSES: [(&str, u16); 18] = [
    ("rate_limit", 429),
    ("ratelimit", 429),
    ("too_many_requests", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("overloaded", 503),
    ("unavailable", 503),
    ("capacity", 503),
    ("deadline_exceeded", 504),
    ("timeout", 504),
    ("unauthenticated", 401),
    ("authentication", 401),
    ("invalid_api_key", 401),
    ("permission", 403),
    ("not_found", 404),
    ("invalid_request", 400),
    ("invalid_argument", 400),
    ("badrequest", 400),
];

impl ProviderError {
    /// Returns the failure that the error means in a response with this status. `wait` is the time to wait from the
    /// headers.
    pub(in crate::adapters::model::openai) fn failure(
        &self,
        status: StatusCode,
        wait: Option<Duration>,
    ) -> ModelFailure {
        let retry_after = wait.or(self.retry_after);
        let status = status.as_u16();
        match status {
            400..=499 => self.refusal(status, retry_after),
            500 if self.means_too_long() => ModelFailure::PromptTooLong,
            503 | 529 => ModelFailure::Overloaded { retry_after },
            504 | 522 | 524 => ModelFailure::GatewayTimeout { retry_after },
            status => ModelFailure::Failed { status, retry_after },
        }
    }

    /// Returns the failure that the error means in a response with a success status, or in the middle of a stream.
    pub(in crate::adapters::model::openai) fn failure_without_status(&self) -> ModelFailure {
        let named = || NAMED_STATUSES.iter().find(|(name, _)| self.words.contains(name)).map(|(_, status)| *status);
        let by_phrase = || self.means_refusal().then_some(400);
        let status = self.status.or_else(by_phrase).or_else(named).unwrap_or(500);
        self.failure(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), None)
    }

    /// Returns the failure for a status from 400 to 499.
    fn refusal(&self, status: u16, retry_after: Option<Duration>) -> ModelFailure {
        let meaning = self.meaning_of_refusal();
        match (status, meaning) {
            (402 | 412, _) | (_, Some(Meaning::NoCredit)) => ModelFailure::QuotaExhausted { retry_after },
            (429, _) => ModelFailure::RateLimited { retry_after },
            (401, _) | (400 | 403 | 422, Some(Meaning::InvalidKey)) => ModelFailure::Unauthorized,
            (446 | 451, _) | (400 | 403 | 422, Some(Meaning::Filtered)) => ModelFailure::PromptFiltered,
            (413, _) | (400 | 404 | 422, Some(Meaning::TooLong | Meaning::TooLongFor)) => ModelFailure::PromptTooLong,
            (400 | 403 | 404 | 422, Some(Meaning::UnknownModel)) => ModelFailure::UnknownModel,
            (400 | 404 | 422, _) if self.names_unknown_model() => ModelFailure::UnknownModel,
            (403, _) => ModelFailure::Forbidden,
            (404, _) => ModelFailure::Failed { status, retry_after },
            (408, _) => ModelFailure::GatewayTimeout { retry_after },
            _ => ModelFailure::RequestRefused(status),
        }
    }

    /// Returns the meaning of the error's text, apart from the meanings that concern prompt templates.
    fn meaning_of_refusal(&self) -> Option<Meaning> {
        if self.is_about_too_large_limit() {
            return None;
        }
        let is_wanted = |meaning| !matches!(meaning, Meaning::RolesMustAlternate | Meaning::NoSystemRole);
        phrases::find(&self.words, is_wanted).map(|(meaning, _)| meaning)
    }

    /// Whether the text of the error is that of a refusal.
    fn means_refusal(&self) -> bool {
        self.meaning_of_refusal().is_some() || self.template_problem().is_some()
    }

    /// Whether the error says that the prompt is too long.
    fn means_too_long(&self) -> bool {
        matches!(self.meaning_of_refusal(), Some(Meaning::TooLong | Meaning::TooLongFor))
    }

    /// Whether the error says that the model does not exist.
    fn names_unknown_model(&self) -> bool {
        let contains_any = |words: &[&str]| words.iter().any(|word| self.words.contains(word));
        contains_any(&["model"]) && contains_any(&["does not exist", "not found", "not exist", "no longer available"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the failure for an error response.
    fn failure_of(status: u16, body: &str) -> ModelFailure {
        ProviderError::parse(body.as_bytes()).failure(StatusCode::from_u16(status).unwrap(), None)
    }

    /// Returns the failure for a response with a success status.
    fn failure_in_success(body: &str) -> Option<ModelFailure> {
        let value = serde_json::from_str(body).unwrap();
        ProviderError::find_in(&value).map(|error| error.failure_without_status())
    }

    const NO_CREDIT: ModelFailure = ModelFailure::QuotaExhausted { retry_after: None };
    const RATE: ModelFailure = ModelFailure::RateLimited { retry_after: None };
    const OVERLOADED: ModelFailure = ModelFailure::Overloaded { retry_after: None };

    fn failed(status: u16) -> ModelFailure {
        ModelFailure::Failed { status, retry_after: None }
    }

    #[test]
    fn prompts_that_are_too_long_are_recognised() {
        let openai = r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(failure_of(400, openai), ModelFailure::PromptTooLong);
        let vllm = r#"{"object":"error","message":"This model's maximum context length is 4096","code":400}"#;
        assert_eq!(failure_of(400, vllm), ModelFailure::PromptTooLong);
        let bedrock = r#"{"message":"Input is too long for requested model."}"#;
        assert_eq!(failure_of(400, bedrock), ModelFailure::PromptTooLong);
        let old_llama = r#"{"error":{"code":500,"message":"the request exceeds the available context size"}}"#;
        assert_eq!(failure_of(500, old_llama), ModelFailure::PromptTooLong);
        let plain = "litellm.ContextWindowExceededError: too long";
        assert_eq!(failure_of(400, plain), ModelFailure::PromptTooLong);
        assert_eq!(failure_of(413, ""), ModelFailure::PromptTooLong);
    }

    #[test]
    fn models_keys_and_credit_are_distinguished() {
        let openai = r#"{"error":{"message":"The model `gpt-9` does not exist","code":"model_not_found"}}"#;
        assert_eq!(failure_of(404, openai), ModelFailure::UnknownModel);
        let ollama = r#"{"error":{"message":"model 'x' not found","type":"not_found_error","code":null}}"#;
        assert_eq!(failure_of(404, ollama), ModelFailure::UnknownModel);
        let google = r#"[{"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
        assert_eq!(failure_of(400, google), ModelFailure::Unauthorized);
        assert_eq!(failure_of(403, r#"{"error":"Your API key was reported as leaked."}"#), ModelFailure::Unauthorized);
        assert_eq!(failure_of(403, r#"{"error":"country not supported"}"#), ModelFailure::Forbidden);
        assert_eq!(failure_of(429, r#"{"error":{"code":"insufficient_quota"}}"#), NO_CREDIT);
        assert_eq!(failure_of(400, r#"{"error":{"message":"Your credit balance is too low"}}"#), NO_CREDIT);
        assert_eq!((failure_of(402, ""), failure_of(412, ""), failure_of(429, "")), (NO_CREDIT, NO_CREDIT, RATE));
    }

    #[test]
    fn filters_are_recognised_with_any_status() {
        let dashscope =
            r#"{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}"#;
        let litellm = r#"{"error":{"message":"Violated guardrail policy","type":"None"}}"#;
        for (status, body) in [(400, dashscope), (403, litellm), (422, litellm), (446, "{}")] {
            assert_eq!(failure_of(status, body), ModelFailure::PromptFiltered, "{status} {body}");
        }
    }

    #[test]
    fn the_status_decides_without_a_known_phrase() {
        assert_eq!(failure_of(404, "<html>Not Found</html>"), failed(404));
        assert_eq!(failure_of(400, ""), ModelFailure::RequestRefused(400));
        assert_eq!(failure_of(500, r#"{"error":"boom"}"#), failed(500));
        assert_eq!(failure_of(529, ""), OVERLOADED);
    }

    #[test]
    fn errors_with_a_success_status_are_mapped() {
        let rows = [
            (r#"{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}"#, NO_CREDIT),
            (r#"{"error":{"code":503}}"#, OVERLOADED),
            (r#"{"error":{"code":"429","message":"x"}}"#, RATE),
            (r#"{"error":{"message":"boom","code":200}}"#, failed(500)),
            (r#"{"error":"boom"}"#, failed(500)),
            (r#"{"object":"error","message":"engine died","type":"InternalServerError","code":500}"#, failed(500)),
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, OVERLOADED),
            (r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#, RATE),
            (r#"{"error":{"status":"UNAVAILABLE","message":"x"}}"#, OVERLOADED),
            (r#"{"detail":"Not authenticated: invalid api key"}"#, ModelFailure::Unauthorized),
            (r#"{"status":503,"title":"Service Unavailable"}"#, OVERLOADED),
            (r#"{"error_code":336003,"error_msg":"x"}"#, failed(500)),
            (r#"{"success":false,"errors":[{"code":7003,"message":"x"}]}"#, failed(500)),
            (r#"{"choices":[{"error":{"code":502,"message":"Upstream error"}}]}"#, failed(502)),
            (r#"{"error":"Too Many Requests","status":429}"#, RATE),
            (r#"{"error":{"message":"Invalid token"},"code":401}"#, ModelFailure::Unauthorized),
            (r#"{"detail":{"code":503,"message":"engine died"}}"#, OVERLOADED),
            (r#"{"status":429}"#, RATE),
            (r#"{"error":{"message":"This model's maximum context length is 10"}}"#, ModelFailure::PromptTooLong),
        ];
        for (body, failure) in rows {
            assert_eq!(failure_in_success(body), Some(failure), "{body}");
        }
    }

    #[test]
    fn answers_are_not_errors() {
        for body in [
            r#"{"choices":[],"error":null}"#,
            r#"{"choices":[{"message":{"content":"error"}}],"error":{}}"#,
            r#"{"choices":[],"usage":{},"message":"x"}"#,
            "{}",
            "[]",
            "[1]",
            "null",
        ] {
            assert_eq!(failure_in_success(body), None, "{body}");
        }
    }

    #[test]
    fn a_refused_limit_is_not_a_long_prompt() {
        let vllm = "'max_tokens' or 'max_completion_tokens' is too large: 6144. This model's maximum context length is 4096 \
                    tokens and your request has 12 input tokens";
        let body = format!(r#"{{"error":{{"message":"{vllm}"}}}}"#);
        assert_eq!(failure_of(400, &body), ModelFailure::RequestRefused(400));
    }
}

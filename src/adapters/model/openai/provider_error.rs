//! What a provider's error says: one reader for the body of an error status, a success that holds an error, and an event
//! of a stream.
//!
//! The text of an error decides what it means, and reaches the operator's diagnostics; no client reads it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::{
    phrases::{self, Meaning},
    retry_after,
};
use crate::adapters::model::ModelFailure;

/// How much of an error's text is looked at, in bytes.
const MAX_TEXT: usize = 4 << 10;

/// No model reads fewer tokens at once; a smaller number is another figure.
const LEAST_WINDOW: u64 = 256;

/// Fields of errors that repeat what was sent.
const ECHOES: [&str; 6] = ["input", "ctx", "body", "messages", "prompt", "request"];

/// Fields that hold an error where there is no answer: FastAPI's `detail`, problem details (RFC 9457), Baidu's and others'.
const ERROR_FIELDS: [&str; 7] = ["detail", "errors", "message", "msg", "error_msg", "title", "error_code"];

/// Parameters of requests that errors may be about.
const PARAMETERS: [&str; 5] = ["stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens"];

/// Words that say of a limit of tokens that it is above what the model can write.
const TOO_LARGE: [&str; 6] =
    ["too large", "too high", "at most", "less than or equal", "lower than or equal", "exceeds the maximum"];

/// Words that say that there are no streams, where no parameter is named.
const NO_STREAMS: [&str; 5] =
    ["streaming is not", "stream is not", "not support stream", "not supported for stream", "to stream this model"];

/// Fields that hold a status, as a number or as its text.
const STATUS_FIELDS: [&str; 5] = ["code", "status", "status_code", "http_status", "error_code"];

/// Names of errors, in lower case, and the statuses they stand for.
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

/// An error as a provider words it.
#[derive(Debug)]
pub(super) struct ProviderError {
    /// The status that the error names, if it names one.
    status: Option<u16>,
    /// All its texts in lower case, a blank between two.
    words: String,
    /// Its texts as they were.
    text: String,
    /// The parameter it is about, if it names one.
    parameter: Option<String>,
    /// How many tokens the model reads at once, where the error says so in a field (llama.cpp's `n_ctx`).
    window: Option<u64>,
    /// How long to wait.
    retry_after: Option<Duration>,
}

impl ProviderError {
    /// Reads the body of an error status, JSON or not.
    pub(super) fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_value(error_within(&value).unwrap_or(&value), &value),
            Err(_) => Self::of_text(&body[..body.len().min(MAX_TEXT)]),
        }
    }

    /// The error in a JSON value that should be an answer or a piece of one; none where it holds none.
    pub(super) fn in_success(value: &Value) -> Option<Self> {
        error_within(value).map(|error| Self::of_value(error, value))
    }

    /// Reads an error and what stands beside it: some servers put the status there.
    fn of_value(error: &Value, around: &Value) -> Self {
        let mut text = String::new();
        collect_texts(error, &mut text);
        Self {
            status: status_within(error).or_else(|| status_within(around)),
            words: text.to_lowercase(),
            text,
            parameter: error.get("param").and_then(Value::as_str).map(str::to_owned),
            window: error.get("n_ctx").and_then(Value::as_u64),
            retry_after: retry_after::of_body(error),
        }
    }

    fn of_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body).trim().to_owned();
        let is_html = text.starts_with('<');
        let text = if is_html { "an HTML page instead of JSON".to_owned() } else { text };
        let words = if is_html { String::new() } else { text.to_lowercase() };
        Self { status: None, words, text, parameter: None, window: None, retry_after: None }
    }

    /// What the provider says, as it says it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many tokens the model reads at once, if the error says so.
    pub(super) fn window(&self) -> Option<u64> {
        let found = phrases::find(&self.words, |meaning| meaning == Meaning::TooLongFor);
        self.window.or_else(|| found.and_then(|(_, number)| number)).filter(|window| *window >= LEAST_WINDOW)
    }

    /// Whether the template of the model refuses the order of the roles, or a system message.
    pub(super) fn template_problem(&self) -> Option<Meaning> {
        let is_wanted = |meaning| matches!(meaning, Meaning::RolesMustAlternate | Meaning::NoSystemRole);
        phrases::find(&self.words, is_wanted).map(|(meaning, _)| meaning)
    }

    /// Whether the error is about this parameter of the request: the one it names, or else, as gateways name none or
    /// `None`, one in its text. The word `stream` says nothing in a text.
    pub(super) fn is_about(&self, parameter: &str) -> bool {
        let named = self.parameter.as_deref().and_then(|named| named.split('.').next());
        match named.filter(|named| PARAMETERS.contains(named)) {
            Some(named) => named == parameter,
            None if parameter == "stream" => NO_STREAMS.iter().any(|words| self.words.contains(words)),
            None => mentions_word(&self.words, parameter),
        }
    }

    /// Whether the limit of the answer is above what the model can write, which says nothing of the prompt.
    pub(super) fn is_about_too_large_limit(&self) -> bool {
        let is_about_limit =
            ["max_tokens", "max_completion_tokens"].iter().any(|name| mentions_word(&self.words, name));
        is_about_limit && TOO_LARGE.iter().any(|words| self.words.contains(words))
    }

    /// What it means, as the answer to a request with this status.
    pub(super) fn failure(&self, status: StatusCode, wait: Option<Duration>) -> ModelFailure {
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

    /// What it means where no status came with it: in a success, or in the middle of a stream.
    pub(super) fn failure_by_itself(&self) -> ModelFailure {
        let named = || NAMED_STATUSES.iter().find(|(name, _)| self.words.contains(name)).map(|(_, status)| *status);
        let by_phrase = || self.means_refusal().then_some(400);
        let status = self.status.or_else(by_phrase).or_else(named).unwrap_or(500);
        self.failure(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), None)
    }

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

    fn meaning_of_refusal(&self) -> Option<Meaning> {
        if self.is_about_too_large_limit() {
            return None;
        }
        let is_wanted = |meaning| !matches!(meaning, Meaning::RolesMustAlternate | Meaning::NoSystemRole);
        phrases::find(&self.words, is_wanted).map(|(meaning, _)| meaning)
    }

    fn means_refusal(&self) -> bool {
        self.meaning_of_refusal().is_some() || self.template_problem().is_some()
    }

    /// Whether the prompt is too long.
    fn means_too_long(&self) -> bool {
        matches!(self.meaning_of_refusal(), Some(Meaning::TooLong | Meaning::TooLongFor))
    }

    fn names_unknown_model(&self) -> bool {
        let says = |words: &[&str]| words.iter().any(|word| self.words.contains(word));
        says(&["model"]) && says(&["does not exist", "not found", "not exist", "no longer available"])
    }
}

/// The error that a JSON value is or holds.
fn error_within(value: &Value) -> Option<&Value> {
    if let Value::Array(values) = value {
        return values.first().filter(|first| first.is_object()).and_then(error_within);
    }
    let choices = value.get("choices").and_then(Value::as_array);
    let first = choices.and_then(|choices| choices.first());
    let has_answer = first.is_some() || value.get("usage").is_some();
    let is_named = value.get("object").or_else(|| value.get("type")).and_then(Value::as_str) == Some("error");
    let of_field = set(value.get("error")).or_else(|| set(first.and_then(|choice| choice.get("error"))));
    // A message that is an object is an answer in a form of its own.
    let says_error = |field: &&str| set(value.get(*field)).is_some_and(|said| !said.is_object() || *field != "message");
    let is_bare = !has_answer && (ERROR_FIELDS.iter().any(says_error) || status_within(value).is_some());
    let of_detail = set(value.get("detail")).filter(|detail| !has_answer && detail.is_object());
    of_field.or(of_detail).or((is_named || is_bare).then_some(value))
}

/// A field that says something: not null, false or blank.
fn set(field: Option<&Value>) -> Option<&Value> {
    field.filter(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}

fn status_within(error: &Value) -> Option<u16> {
    let number = |field: &Value| match field {
        Value::String(text) => text.trim().parse::<u64>().ok(),
        field => field.as_u64(),
    };
    let statuses = STATUS_FIELDS.iter().filter_map(|name| number(error.get(*name)?));
    statuses.filter_map(|status| u16::try_from(status).ok()).find(|status| (400..600).contains(status))
}

/// Adds the strings of a value, of its lists and of its objects, save those that repeat what was sent.
fn collect_texts(value: &Value, text: &mut String) {
    match value {
        Value::String(string) if text.len() < MAX_TEXT => {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&string[..string.floor_char_boundary(MAX_TEXT)]);
        }
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, text)),
        Value::Object(fields) => {
            let said = fields.iter().filter(|(name, _)| !ECHOES.contains(&name.as_str()));
            said.for_each(|(_, value)| collect_texts(value, text));
        }
        _ => {}
    }
}

/// Whether a word stands in a text by itself, not as a part of a longer name.
fn mentions_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[at + word.len()..].chars().next().is_some_and(is_part);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> ModelFailure {
        ProviderError::read(body.as_bytes()).failure(StatusCode::from_u16(status).unwrap(), None)
    }

    fn disguised(body: &str) -> Option<ModelFailure> {
        let value = serde_json::from_str(body).unwrap();
        ProviderError::in_success(&value).map(|error| error.failure_by_itself())
    }

    const NO_CREDIT: ModelFailure = ModelFailure::QuotaExhausted { retry_after: None };
    const RATE: ModelFailure = ModelFailure::RateLimited { retry_after: None };
    const OVERLOADED: ModelFailure = ModelFailure::Overloaded { retry_after: None };

    fn failed(status: u16) -> ModelFailure {
        ModelFailure::Failed { status, retry_after: None }
    }

    #[test]
    fn prompts_that_are_too_long_are_known_by_many_words() {
        let openai = r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(said(400, openai), ModelFailure::PromptTooLong);
        let vllm = r#"{"object":"error","message":"This model's maximum context length is 4096","code":400}"#;
        assert_eq!(said(400, vllm), ModelFailure::PromptTooLong);
        let bedrock = r#"{"message":"Input is too long for requested model."}"#;
        assert_eq!(said(400, bedrock), ModelFailure::PromptTooLong);
        let old_llama = r#"{"error":{"code":500,"message":"the request exceeds the available context size"}}"#;
        assert_eq!(said(500, old_llama), ModelFailure::PromptTooLong);
        let plain = "litellm.ContextWindowExceededError: too long";
        assert_eq!(said(400, plain), ModelFailure::PromptTooLong);
        assert_eq!(said(413, ""), ModelFailure::PromptTooLong);
    }

    #[test]
    fn the_window_is_read_where_it_is_said() {
        let window = |body: &str| ProviderError::read(body.as_bytes()).window();
        let llama = r#"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_ctx":4096}}"#;
        assert_eq!(window(llama), Some(4096));
        let google = "The input token count (2097153) exceeds the maximum number of tokens allowed (1048576).";
        assert_eq!(window(&format!(r#"{{"error":{{"message":"{google}"}}}}"#)), Some(1_048_576));
        assert_eq!(window(r#"{"error":{"code":"context_length_exceeded"}}"#), None);
    }

    #[test]
    fn models_keys_and_credit_are_told_apart() {
        let openai = r#"{"error":{"message":"The model `gpt-9` does not exist","code":"model_not_found"}}"#;
        assert_eq!(said(404, openai), ModelFailure::UnknownModel);
        let ollama = r#"{"error":{"message":"model 'x' not found","type":"not_found_error","code":null}}"#;
        assert_eq!(said(404, ollama), ModelFailure::UnknownModel);
        let google = r#"[{"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
        assert_eq!(said(400, google), ModelFailure::Unauthorized);
        assert_eq!(said(403, r#"{"error":"Your API key was reported as leaked."}"#), ModelFailure::Unauthorized);
        assert_eq!(said(403, r#"{"error":"country not supported"}"#), ModelFailure::Forbidden);
        assert_eq!(said(429, r#"{"error":{"code":"insufficient_quota"}}"#), NO_CREDIT);
        assert_eq!(said(400, r#"{"error":{"message":"Your credit balance is too low"}}"#), NO_CREDIT);
        assert_eq!((said(402, ""), said(412, ""), said(429, "")), (NO_CREDIT, NO_CREDIT, RATE));
    }

    #[test]
    fn filters_are_no_fault_of_the_key() {
        let dashscope =
            r#"{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}"#;
        let litellm = r#"{"error":{"message":"Violated guardrail policy","type":"None"}}"#;
        for (status, body) in [(400, dashscope), (403, litellm), (422, litellm), (446, "{}")] {
            assert_eq!(said(status, body), ModelFailure::PromptFiltered, "{status} {body}");
        }
    }

    #[test]
    fn what_nobody_explains_is_known_by_its_status() {
        assert_eq!(said(404, "<html>Not Found</html>"), failed(404));
        assert_eq!(said(400, ""), ModelFailure::RequestRefused(400));
        assert_eq!(said(500, r#"{"error":"boom"}"#), failed(500));
        assert_eq!(said(529, ""), OVERLOADED);
    }

    #[test]
    fn errors_in_disguise_mean_what_they_say() {
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
            assert_eq!(disguised(body), Some(failure), "{body}");
        }
    }

    #[test]
    fn answers_are_no_errors() {
        for body in [
            r#"{"choices":[],"error":null}"#,
            r#"{"choices":[{"message":{"content":"error"}}],"error":{}}"#,
            r#"{"choices":[],"usage":{},"message":"x"}"#,
            "{}",
            "[]",
            "[1]",
            "null",
        ] {
            assert_eq!(disguised(body), None, "{body}");
        }
    }

    #[test]
    fn parameters_are_told_from_their_longer_namesakes() {
        let error = |body: &str| ProviderError::read(body.as_bytes());
        let named = error(r#"{"error":{"message":"Unsupported parameter","param":"max_tokens"}}"#);
        assert!(named.is_about("max_tokens") && !named.is_about("temperature"));
        let said =
            error(r#"{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs","input":"temperature"}]}"#);
        assert!(said.is_about("stream_options") && !said.is_about("stream") && !said.is_about("temperature"));
        let gateway =
            error(r#"{"error":{"message":"does not support parameters: {'temperature': 0.9}","param":"None"}}"#);
        assert!(gateway.is_about("temperature") && !gateway.is_about("max_tokens"));
    }

    #[test]
    fn a_limit_that_is_too_large_is_no_long_prompt() {
        let vllm = "'max_tokens' or 'max_completion_tokens' is too large: 6144. This model's maximum context length is 4096 \
                    tokens and your request has 12 input tokens";
        assert_eq!(said(400, &format!(r#"{{"error":{{"message":"{vllm}"}}}}"#)), ModelFailure::RequestRefused(400));
        let openai = "`max_tokens` must be less than or equal to `32768`";
        assert!(ProviderError::read(openai.as_bytes()).is_about_too_large_limit());
        assert!(!ProviderError::read(b"max_tokens is not supported").is_about_too_large_limit());
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        let error = ProviderError::read(br#"{"detail":[{"msg":"bad","input":"my secret question"}]}"#);
        assert_eq!(error.text(), "bad");
    }
}

//! A provider's error and its parsing.

use std::time::Duration;

use serde_json::Value;

use super::json::{MAX_TEXT, collect_texts, error_within, status_within};
use crate::adapters::model::openai::{
    phrases::{self, Meaning},
    retry_after,
    sse::without_byte_order_mark,
};

/// The smallest context window that is believed, in tokens. A smaller number in an error has another meaning.
const MIN_WINDOW: u64 = 256;

/// An error of a provider.
#[derive(Debug)]
pub(in crate::adapters::model::openai) struct ProviderError {
    /// The HTTP status in the error, if it has one.
    pub(super) status: Option<u16>,
    /// All texts of the error in lower case, separated by spaces.
    pub(super) words: String,
    /// All texts of the error, separated by spaces.
    text: String,
    /// The name of the refused parameter, if the error has a field for it.
    pub(super) parameter: Option<String>,
    /// The context window in tokens, if the error has a field for it (llama.cpp's `n_ctx`).
    window: Option<u64>,
    /// The time to wait, if the error states it.
    pub(super) retry_after: Option<Duration>,
}

impl ProviderError {
    /// Parses the body of an error response, JSON or not.
    pub(in crate::adapters::model::openai) fn parse(body: &[u8]) -> Self {
        let body = without_byte_order_mark(body);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::from_json(error_within(&value).unwrap_or(&value), &value),
            Err(_) => Self::from_text(&body[..body.len().min(MAX_TEXT)]),
        }
    }

    /// Returns the error in a JSON value that should be an answer or a piece of one, if there is an error in it.
    pub(in crate::adapters::model::openai) fn find_in(value: &Value) -> Option<Self> {
        error_within(value).map(|error| Self::from_json(error, value))
    }

    /// Reads an error, and the value that contains it: some servers put the status there.
    fn from_json(error: &Value, container: &Value) -> Self {
        let mut text = String::new();
        collect_texts(error, &mut text);
        Self {
            status: status_within(error).or_else(|| status_within(container)),
            words: text.to_lowercase(),
            text,
            parameter: error.get("param").and_then(Value::as_str).map(str::to_owned),
            window: error.get("n_ctx").and_then(Value::as_u64),
            retry_after: retry_after::from_error(error),
        }
    }

    fn from_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body).trim().to_owned();
        let is_html = text.starts_with('<');
        let text = if is_html { "an HTML page instead of JSON".to_owned() } else { text };
        let words = if is_html { String::new() } else { text.to_lowercase() };
        Self { status: None, words, text, parameter: None, window: None, retry_after: None }
    }

    /// Returns the provider's text.
    pub(in crate::adapters::model::openai) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the context window in tokens, if the error states it.
    pub(in crate::adapters::model::openai) fn window(&self) -> Option<u64> {
        let found = phrases::find(&self.words, |meaning| meaning == Meaning::TooLongFor);
        self.window.or_else(|| found.and_then(|(_, number)| number)).filter(|window| *window >= MIN_WINDOW)
    }

    /// Returns whether the model's prompt template refuses the order of the roles, or the system role.
    pub(in crate::adapters::model::openai) fn template_problem(&self) -> Option<Meaning> {
        let is_wanted = |meaning| matches!(meaning, Meaning::RolesMustAlternate | Meaning::NoSystemRole);
        phrases::find(&self.words, is_wanted).map(|(meaning, _)| meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_where_it_is_stated() {
        let window = |body: &str| ProviderError::parse(body.as_bytes()).window();
        let llama = r#"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_ctx":4096}}"#;
        assert_eq!(window(llama), Some(4096));
        let google = "The input token count (2097153) exceeds the maximum number of tokens allowed (1048576).";
        assert_eq!(window(&format!(r#"{{"error":{{"message":"{google}"}}}}"#)), Some(1_048_576));
        assert_eq!(window(r#"{"error":{"code":"context_length_exceeded"}}"#), None);
    }

    #[test]
    fn texts_of_the_request_are_not_read() {
        let error = ProviderError::parse(br#"{"detail":[{"msg":"bad","input":"my secret question"}]}"#);
        assert_eq!(error.text(), "bad");
    }
}

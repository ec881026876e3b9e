//! The parameter of the request that an error refuses.

use super::error::ProviderError;

/// Parameters of requests that providers refuse.
const PARAMETERS: [&str; 5] = ["stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens"];

/// Phrases of errors that refuse a limit of tokens as larger than the model's own.
const TOO_LARGE: [&str; 6] =
    ["too large", "too high", "at most", "less than or equal", "lower than or equal", "exceeds the maximum"];

/// Phrases of errors that refuse streaming without the name of a parameter.
const NO_STREAMS: [&str; 5] =
    ["streaming is not", "stream is not", "not support stream", "not supported for stream", "to stream this model"];

impl ProviderError {
    /// Whether the error refuses this parameter. The field `param` decides, or else, since gateways leave it out or set
    /// it to `None`, the text. The word `stream` alone in a text is not enough.
    pub(in crate::adapters::model::openai) fn is_about(&self, parameter: &str) -> bool {
        let named = self.parameter.as_deref().and_then(|named| named.split('.').next());
        match named.filter(|named| PARAMETERS.contains(named)) {
            Some(named) => named == parameter,
            None if parameter == "stream" => NO_STREAMS.iter().any(|words| self.words.contains(words)),
            None => mentions_word(&self.words, parameter),
        }
    }

    /// Whether the error refuses the limit of the answer as too large. Such an error says nothing about the prompt.
    pub(in crate::adapters::model::openai) fn is_about_too_large_limit(&self) -> bool {
        let is_about_limit =
            ["max_tokens", "max_completion_tokens"].iter().any(|name| mentions_word(&self.words, name));
        is_about_limit && TOO_LARGE.iter().any(|words| self.words.contains(words))
    }
}

/// Whether a text contains a word that is not a part of a longer name.
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

    #[test]
    fn parameters_differ_from_longer_names() {
        let error = |body: &str| ProviderError::parse(body.as_bytes());
        let named = error(r#"{"error":{"message":"Unsupported parameter","param":"max_tokens"}}"#);
        assert!(named.is_about("max_tokens") && !named.is_about("temperature"));
        let in_text =
            error(r#"{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs","input":"temperature"}]}"#);
        assert!(in_text.is_about("stream_options") && !in_text.is_about("stream") && !in_text.is_about("temperature"));
        let gateway =
            error(r#"{"error":{"message":"does not support parameters: {'temperature': 0.9}","param":"None"}}"#);
        assert!(gateway.is_about("temperature") && !gateway.is_about("max_tokens"));
    }

    #[test]
    fn a_refused_limit_is_recognised() {
        let openai = "`max_tokens` must be less than or equal to `32768`";
        assert!(ProviderError::parse(openai.as_bytes()).is_about_too_large_limit());
        assert!(!ProviderError::parse(b"max_tokens is not supported").is_about_too_large_limit());
    }
}

//! The JSON of a whole answer or of one piece of a stream, parsed leniently: unknown fields are ignored, and most
//! fields may be missing.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{finish, provider_error::ProviderError, text::RawText, usage};
use crate::domain::cost::TokenUsage;

/// A whole answer, or a piece of a streamed one.
#[derive(Deserialize)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
    /// Groq's own fields, which hold the token counts of a stream.
    x_groq: Option<GroqFields>,
}

/// Groq's own fields.
#[derive(Deserialize)]
struct GroqFields {
    usage: Option<Value>,
}

/// One choice of an answer.
#[derive(Deserialize)]
struct Choice {
    /// The piece of a streamed answer. Servers that send both fields repeat the earlier text in `message`.
    delta: Option<MessageFields>,
    /// The message of a whole answer.
    message: Option<MessageFields>,
    finish_reason: Option<Value>,
    usage: Option<Value>,
    error: Option<Value>,
}

/// A message, or a piece of one.
#[derive(Default, Deserialize)]
struct MessageFields {
    content: Option<RawText>,
    refusal: Option<RawText>,
    reasoning_content: Option<ReasoningField>,
    reasoning: Option<ReasoningField>,
}

/// The reasoning before an answer. Only its presence is used, so its characters are not decoded.
struct ReasoningField {
    is_empty: bool,
}

/// Reads a string, or a list of steps.
impl<'de> Deserialize<'de> for ReasoningField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReasoningVisitor;

        impl<'de> Visitor<'de> for ReasoningVisitor {
            type Value = ReasoningField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<ReasoningField, E> {
                Ok(ReasoningField { is_empty: bytes.is_empty() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut steps: A) -> Result<ReasoningField, A::Error> {
                let mut is_empty = true;
                while steps.next_element::<IgnoredAny>()?.is_some() {
                    is_empty = false;
                }
                Ok(ReasoningField { is_empty })
            }
        }

        // When it deserializes bytes, `serde_json` checks neither UTF-8 nor surrogates.
        deserializer.deserialize_bytes(ReasoningVisitor)
    }
}

/// The content of a chunk: of its first choice, and its token counts.
#[derive(Debug, Default)]
pub(super) struct ChunkContent {
    pub(super) text: RawText,
    /// The finish reason, if the answer ends.
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<TokenUsage>,
    /// The cost reported by a gateway, in pico-dollars.
    pub(super) cost: Option<u64>,
    /// Whether the model reasons, or reasoned before the answer.
    pub(super) has_reasoning: bool,
    /// Whether the chunk has a choice.
    pub(super) has_choice: bool,
}

/// The error for data that is no answer and no piece of one.
#[derive(Debug)]
pub(super) enum ChunkError {
    /// The data holds an error of the provider.
    Provider(ProviderError),
    /// The data is not JSON, or has another format.
    Unreadable,
}

impl Chunk {
    /// Parses JSON. An error is searched for only if the data is not certainly an answer, so that a piece is parsed
    /// once.
    pub(super) fn parse(json: &[u8]) -> Result<Self, ChunkError> {
        let chunk = serde_json::from_slice::<Self>(json);
        match chunk {
            Ok(chunk) if chunk.is_certainly_answer() => Ok(chunk),
            chunk => {
                let value = serde_json::from_slice::<Value>(json).unwrap_or_default();
                ProviderError::find_in(&value).map_or(Ok(()), |error| Err(ChunkError::Provider(error)))?;
                chunk.map_err(|_| ChunkError::Unreadable)
            }
        }
    }

    /// Whether the data has choices and no error.
    fn is_certainly_answer(&self) -> bool {
        let choices = self.choices.as_ref();
        self.error.is_none() && choices.is_some_and(|choices| choices.iter().all(|choice| choice.error.is_none()))
    }

    /// Returns the content of the first choice.
    pub(super) fn into_content(self) -> ChunkContent {
        let choice = self.choices.and_then(|choices| choices.into_iter().next());
        let in_choice = choice.as_ref().and_then(|choice| choice.usage.as_ref());
        let in_groq = self.x_groq.as_ref().and_then(|groq| groq.usage.as_ref());
        let usages = [self.usage.as_ref(), in_choice, in_groq];
        let usages = || usages.iter().flatten();
        let mut content = ChunkContent {
            usage: usages().find_map(|usage| usage::parse_tokens(usage)),
            cost: usages().find_map(|usage| usage::parse_cost_field(usage)),
            has_reasoning: usages().any(|usage| usage::has_reasoning(usage)),
            has_choice: choice.is_some(),
            ..ChunkContent::default()
        };
        if let Some(choice) = choice {
            content.finish_reason = finish::not_blank(choice.finish_reason.and_then(reason_text));
            let message = choice.delta.or(choice.message).unwrap_or_default();
            content.has_reasoning |= [message.reasoning_content, message.reasoning]
                .into_iter()
                .flatten()
                .any(|reasoning| !reasoning.is_empty);
            content.text = message.content.filter(|text| !text.is_empty()).or(message.refusal).unwrap_or_default();
        }
        content
    }
}

/// Returns a finish reason that is a string; other JSON values are ignored.
fn reason_text(reason: Value) -> Option<String> {
    if let Value::String(text) = reason { Some(text) } else { None }
}

/// Returns the name of the model in a whole answer or a piece of one, if it is not empty.
pub(super) fn model_name(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        model: Option<String>,
    }
    serde_json::from_slice::<Named>(json).ok()?.model.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(json: &str) -> ChunkContent {
        Chunk::parse(json.as_bytes()).unwrap().into_content()
    }

    fn text(json: &str) -> String {
        content(json).text.into_text()
    }

    #[test]
    fn answers_of_different_servers_are_parsed() {
        assert_eq!(text(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#), "hi");
        assert_eq!(text(r#"{"choices":[{"delta":{"content":"b"},"message":{"content":"ab"}}]}"#), "b");
        assert_eq!(text(r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#), "ab");
        assert_eq!(text(r#"{"choices":[{"message":{"content":null,"refusal":"No."}}]}"#), "No.");
        assert_eq!(text(r#"{"choices":[{"message":{"content":"","refusal":"No."}}],"error":{}}"#), "No.");
        assert_eq!(text(r#"{"choices":[]}"#), "");
    }

    #[test]
    fn token_counts_are_found_in_three_places() {
        let figures = r#""usage":{"prompt_tokens":7,"completion_tokens":3,"cost":0.5}"#;
        let usage = Some(TokenUsage { prompt: 7, completion: 3 });
        for json in [
            format!(r#"{{"choices":[],{figures}}}"#),
            format!(r#"{{"choices":[{{"delta":{{}},{figures}}}]}}"#),
            format!(r#"{{"choices":[],"usage":null,"x_groq":{{{figures}}}}}"#),
        ] {
            assert_eq!((content(&json).usage, content(&json).cost), (usage, Some(500_000_000_000)), "{json}");
        }
    }

    #[test]
    fn reasoning_is_noticed_and_is_not_text() {
        for field in [r#""reasoning_content":"Hm""#, r#""reasoning":"\ud83d""#, r#""reasoning":[{"text":"Hm"}]"#] {
            let json = format!(r#"{{"choices":[{{"delta":{{"content":null,{field}}}}}]}}"#);
            assert!(content(&json).has_reasoning && text(&json).is_empty(), "{json}");
        }
        let counted =
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens_details":{"reasoning_tokens":5}}}"#;
        assert!(content(counted).has_reasoning);
        assert!(!content(r#"{"choices":[{"delta":{"content":"a","reasoning_content":""}}]}"#).has_reasoning);
    }

    #[test]
    fn other_data_is_not_parsed_as_an_answer() {
        for json in ["", "<html>", "[1]", r#"{"choices":7}"#] {
            assert!(matches!(Chunk::parse(json.as_bytes()), Err(ChunkError::Unreadable)), "{json}");
        }
        for json in [r#"{"error":{"message":"x"}}"#, r#"{"object":"error"}"#, r#"[{"error":{"code":429}}]"#] {
            assert!(matches!(Chunk::parse(json.as_bytes()), Err(ChunkError::Provider(_))), "{json}");
        }
    }

    #[test]
    fn the_models_name_is_optional() {
        assert_eq!(
            model_name(br#"{"choices":[],"model":"gpt-4o-mini-2024-07-18"}"#).as_deref(),
            Some("gpt-4o-mini-2024-07-18")
        );
        assert_eq!(model_name(br#"{"model":null}"#), None);
        assert_eq!(model_name(b"x"), None);
    }
}

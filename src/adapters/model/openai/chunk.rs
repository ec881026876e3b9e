//! The JSON of an answer, whole or a piece of one, read leniently: unknown fields pass, and what is missing is made up for
//! where that is honest.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{finish, provider_error::ProviderError, text::RawText, usage};
use crate::domain::cost::TokenUsage;

/// An answer, or a piece of one.
#[derive(Deserialize)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
    /// Where Groq puts the figures of a stream.
    x_groq: Option<GroqFields>,
}

#[derive(Deserialize)]
struct GroqFields {
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a piece; some servers send both, and then this one is the piece.
    delta: Option<Said>,
    /// In a whole answer.
    message: Option<Said>,
    finish_reason: Option<Value>,
    usage: Option<Value>,
    error: Option<Value>,
}

/// A message, or a piece of one.
#[derive(Default, Deserialize)]
struct Said {
    content: Option<RawText>,
    refusal: Option<RawText>,
    reasoning_content: Option<Thoughts>,
    reasoning: Option<Thoughts>,
}

/// Thoughts before an answer: only whether there are any counts, so that their characters are not looked at.
struct Thoughts {
    is_empty: bool,
}

/// A string, or a list of steps.
impl<'de> Deserialize<'de> for Thoughts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ThoughtsVisitor;

        impl<'de> Visitor<'de> for ThoughtsVisitor {
            type Value = Thoughts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Thoughts, E> {
                Ok(Thoughts { is_empty: bytes.is_empty() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut steps: A) -> Result<Thoughts, A::Error> {
                let mut is_empty = true;
                while steps.next_element::<IgnoredAny>()?.is_some() {
                    is_empty = false;
                }
                Ok(Thoughts { is_empty })
            }
        }

        // Asked for bytes, `serde_json` checks neither UTF-8 nor surrogates.
        deserializer.deserialize_bytes(ThoughtsVisitor)
    }
}

/// What a chunk says, taken apart.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) text: RawText,
    /// Why the answer ends, if it does.
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<TokenUsage>,
    /// The cost that a gateway reports, in pico-dollars.
    pub(super) cost: Option<u64>,
    /// Whether the model thinks, or thought.
    pub(super) has_reasoning: bool,
    /// Whether there is a choice at all.
    pub(super) has_choice: bool,
}

/// Data that is no piece of an answer.
#[derive(Debug)]
pub(super) enum NoChunk {
    /// It holds an error.
    Error(ProviderError),
    /// It is neither.
    Unreadable,
}

impl Chunk {
    /// Reads JSON. An error is looked for only where this isn't plainly an answer, so that a piece is read once.
    pub(super) fn read(json: &[u8]) -> Result<Self, NoChunk> {
        let chunk = serde_json::from_slice::<Self>(json);
        match chunk {
            Ok(chunk) if chunk.is_plain() => Ok(chunk),
            chunk => {
                let value = serde_json::from_slice::<Value>(json).unwrap_or_default();
                ProviderError::in_success(&value).map_or(Ok(()), |error| Err(NoChunk::Error(error)))?;
                chunk.map_err(|_| NoChunk::Unreadable)
            }
        }
    }

    fn is_plain(&self) -> bool {
        let choices = self.choices.as_ref();
        self.error.is_none() && choices.is_some_and(|choices| choices.iter().all(|choice| choice.error.is_none()))
    }

    /// What the first choice says.
    pub(super) fn into_parts(self) -> Parts {
        let choice = self.choices.and_then(|choices| choices.into_iter().next());
        let of_choice = choice.as_ref().and_then(|choice| choice.usage.as_ref());
        let of_groq = self.x_groq.as_ref().and_then(|groq| groq.usage.as_ref());
        let figures = [self.usage.as_ref(), of_choice, of_groq];
        let figures = || figures.iter().flatten();
        let mut parts = Parts {
            usage: figures().find_map(|figures| usage::read_tokens(figures)),
            cost: figures().find_map(|figures| usage::read_cost(figures)),
            has_reasoning: figures().any(|figures| usage::has_reasoning(figures)),
            has_choice: choice.is_some(),
            ..Parts::default()
        };
        if let Some(choice) = choice {
            parts.finish_reason = finish::given(choice.finish_reason.and_then(reason_text));
            let said = choice.delta.or(choice.message).unwrap_or_default();
            parts.has_reasoning |=
                [said.reasoning_content, said.reasoning].into_iter().flatten().any(|thoughts| !thoughts.is_empty);
            parts.text = said.content.filter(|text| !text.is_empty()).or(said.refusal).unwrap_or_default();
        }
        parts
    }
}

/// A reason in words; anything else says nothing.
fn reason_text(reason: Value) -> Option<String> {
    if let Value::String(text) = reason { Some(text) } else { None }
}

/// The name of the model in an answer, or a piece of one.
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

    fn parts(json: &str) -> Parts {
        Chunk::read(json.as_bytes()).unwrap().into_parts()
    }

    fn text(json: &str) -> String {
        parts(json).text.into_text()
    }

    #[test]
    fn answers_of_different_servers_are_understood() {
        assert_eq!(text(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#), "hi");
        assert_eq!(text(r#"{"choices":[{"delta":{"content":"b"},"message":{"content":"ab"}}]}"#), "b");
        assert_eq!(text(r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#), "ab");
        assert_eq!(text(r#"{"choices":[{"message":{"content":null,"refusal":"No."}}]}"#), "No.");
        assert_eq!(text(r#"{"choices":[{"message":{"content":"","refusal":"No."}}],"error":{}}"#), "No.");
        assert_eq!(text(r#"{"choices":[]}"#), "");
    }

    #[test]
    fn figures_stand_in_different_places() {
        let figures = r#""usage":{"prompt_tokens":7,"completion_tokens":3,"cost":0.5}"#;
        let usage = Some(TokenUsage { prompt: 7, completion: 3 });
        for json in [
            format!(r#"{{"choices":[],{figures}}}"#),
            format!(r#"{{"choices":[{{"delta":{{}},{figures}}}]}}"#),
            format!(r#"{{"choices":[],"usage":null,"x_groq":{{{figures}}}}}"#),
        ] {
            assert_eq!((parts(&json).usage, parts(&json).cost), (usage, Some(500_000_000_000)), "{json}");
        }
    }

    #[test]
    fn thoughts_are_noticed_and_no_text() {
        for field in [r#""reasoning_content":"Hm""#, r#""reasoning":"\ud83d""#, r#""reasoning":[{"text":"Hm"}]"#] {
            let json = format!(r#"{{"choices":[{{"delta":{{"content":null,{field}}}}}]}}"#);
            assert!(parts(&json).has_reasoning && text(&json).is_empty(), "{json}");
        }
        let counted =
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens_details":{"reasoning_tokens":5}}}"#;
        assert!(parts(counted).has_reasoning);
        assert!(!parts(r#"{"choices":[{"delta":{"content":"a","reasoning_content":""}}]}"#).has_reasoning);
    }

    #[test]
    fn what_is_no_answer_is_not_made_one() {
        for json in ["", "<html>", "[1]", r#"{"choices":7}"#] {
            assert!(matches!(Chunk::read(json.as_bytes()), Err(NoChunk::Unreadable)), "{json}");
        }
        for json in [r#"{"error":{"message":"x"}}"#, r#"{"object":"error"}"#, r#"[{"error":{"code":429}}]"#] {
            assert!(matches!(Chunk::read(json.as_bytes()), Err(NoChunk::Error(_))), "{json}");
        }
    }

    #[test]
    fn the_model_is_named_if_it_is() {
        assert_eq!(
            model_name(br#"{"choices":[],"model":"gpt-4o-mini-2024-07-18"}"#).as_deref(),
            Some("gpt-4o-mini-2024-07-18")
        );
        assert_eq!(model_name(br#"{"model":null}"#), None);
        assert_eq!(model_name(b"x"), None);
    }
}

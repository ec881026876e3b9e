//! The body of a whole answer in OpenAI's form, and the parts that it shares with the chunks of a stream.

use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;

use crate::{
    domain::{chat::Finish, cost::TokenUsage},
    services::turn::{Reader, TurnSummary},
};

/// A chat completion: the answer of a turn.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletion", example)]
pub(super) struct Completion {
    /// `chatcmpl-` and the id of the turn, which is the request's id.
    id: String,
    /// Always `chat.completion`.
    object: CompletionObject,
    /// The time of the answer, in seconds since 1970.
    created: i64,
    /// The model that answered; `basic` is the built-in responder.
    model: String,
    /// The only answer.
    choices: Vec<Choice>,
    /// The tokens of the turn.
    usage: CompletionUsage,
}

#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ChatCompletionObject")]
enum CompletionObject {
    #[oai(rename = "chat.completion")]
    #[serde(rename = "chat.completion")]
    Only,
}

/// An answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionChoice")]
struct Choice {
    /// Always 0.
    index: u32,
    /// The answer's message.
    message: AnswerMessage,
    /// Always null.
    #[oai(nullable)]
    logprobs: Option<bool>,
    /// How the answer ended.
    finish_reason: FinishReason,
}

/// The message of an answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionMessage")]
struct AnswerMessage {
    /// Always `assistant`.
    role: AnswerRole,
    /// The text.
    content: String,
    /// Always null.
    #[oai(nullable)]
    refusal: Option<String>,
}

/// The author of an answer.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ChatCompletionMessageRole", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(super) enum AnswerRole {
    Assistant,
}

/// How an answer ended: `stop`, when the model said so; `length`, at its limit of tokens, or where it was stopped;
/// `content_filter`, where the filter of the provider or the owner's guard cut it off.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ChatCompletionFinishReason", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(super) enum FinishReason {
    Stop,
    Length,
    ContentFilter,
}

impl From<Finish> for FinishReason {
    /// Only a complete answer ends with `stop`: clients take it for whole.
    fn from(finish: Finish) -> Self {
        match finish {
            Finish::Complete => Self::Stop,
            Finish::ContentFilter => Self::ContentFilter,
            Finish::Length
            | Finish::Stopped
            | Finish::ClientGone
            | Finish::UpstreamError
            | Finish::Timeout
            | Finish::Interrupted => Self::Length,
        }
    }
}

/// The tokens of a turn.
#[derive(Clone, Copy, Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionUsage")]
#[expect(clippy::struct_field_names, reason = "the names of OpenAI's API")]
pub(super) struct CompletionUsage {
    /// Tokens of the prompt.
    prompt_tokens: u64,
    /// Tokens of the answer.
    completion_tokens: u64,
    /// The sum of both.
    total_tokens: u64,
}

impl From<TokenUsage> for CompletionUsage {
    fn from(usage: TokenUsage) -> Self {
        Self { prompt_tokens: usage.prompt, completion_tokens: usage.completion, total_tokens: usage.total() }
    }
}

/// Returns the id of a completion: that of its turn, with the prefix that clients know.
pub(super) fn completion_id(request_id: &str) -> String {
    format!("chatcmpl-{request_id}")
}

impl Completion {
    pub(super) fn new(content: String, summary: TurnSummary, reader: &Reader) -> Self {
        let message = AnswerMessage { role: AnswerRole::Assistant, content, refusal: None };
        let finish_reason = summary.finish.into();
        Self {
            id: completion_id(reader.request_id()),
            object: CompletionObject::Only,
            created: summary.at.as_second(),
            model: summary.model,
            choices: vec![Choice { index: 0, message, logprobs: None, finish_reason }],
            usage: summary.usage.into(),
        }
    }
}

impl Example for Completion {
    fn example() -> Self {
        let message = AnswerMessage {
            role: AnswerRole::Assistant,
            content: "We are open from nine to five.".to_owned(),
            refusal: None,
        };
        Self {
            id: completion_id("019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27"),
            object: CompletionObject::Only,
            created: 1_795_852_800,
            model: "gpt-4o-mini".to_owned(),
            choices: vec![Choice { index: 0, message, logprobs: None, finish_reason: FinishReason::Stop }],
            usage: TokenUsage { prompt: 24, completion: 9 }.into(),
        }
    }
}

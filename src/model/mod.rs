//! The door to the model, and the built-in responder that stands in for one.

pub mod basic;
mod breaker;
mod failure;
mod openai;
mod refusal;

pub use self::{
    breaker::{Attempt, BreakerState, Breakers},
    failure::ModelFailure,
    openai::{Answering, OpenAi},
};
use crate::chat::Message;

/// What the model is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model's name.
    pub model: &'a str,
    /// What it is told of who it is, in front of the conversation.
    pub instruction: Option<&'a str>,
    /// The conversation; its last message is to be answered.
    pub messages: &'a [Message],
    /// Whether images are shown to it; otherwise it is told that there are some.
    pub with_images: bool,
    /// How freely it chooses its words, from 0 to 2; as it likes, where nothing is said.
    pub temperature: Option<f64>,
    /// How long the answer may be.
    pub limit: Option<AnswerLimit>,
    /// Whether the answer is wanted in pieces as they come.
    pub stream: bool,
}

/// So many tokens of thoughts are let a model that reasons before its answer. Mostly it needs far fewer; but when they run
/// out, there is no answer, and its price all the same.
const THOUGHTS: u32 = 4096;

/// How long an answer may be, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLimit {
    /// The answer alone.
    Answer(u32),
    /// The answer and the thoughts before it. Models that reason know their limit by another name, and refuse the usual
    /// one, which is all that many other servers know.
    ThoughtsAndAnswer(u32),
}

impl AnswerLimit {
    /// The limit of an answer of so many tokens, of a model that reasons or doesn't.
    #[must_use]
    pub fn of_answer(tokens: u32, reasons: bool) -> Self {
        if reasons { Self::ThoughtsAndAnswer(tokens.saturating_add(THOUGHTS)) } else { Self::Answer(tokens) }
    }
}

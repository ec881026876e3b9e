//! The door to the model, and the built-in responder that stands in for one.

pub mod basic;
mod breaker;
mod error;
mod failure;
mod openai;

pub use self::{
    breaker::{BreakerPermit, BreakerState, Breakers, CallerHash},
    error::{ModelError, Reason},
    failure::ModelFailure,
    openai::{Answering, OpenAi, Report},
};
use crate::domain::chat::Message;

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
    /// How long the answer may be, in tokens, thoughts before it not counted.
    pub answer_limit: Option<u32>,
    /// Whether it is known as one of OpenAI's models that reason.
    pub reasons: bool,
    /// Whether the answer is wanted in pieces as they come.
    pub stream: bool,
}

impl<'a> Question<'a> {
    /// The texts that are sent.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.instruction.into_iter().chain(self.messages.iter().map(|message| message.content.as_str()))
    }
}

//! The input of one call to a model.

use opentelemetry::trace::SpanContext;

use crate::domain::{answer_options::AnswerOptions, chat::Message};

/// The input of one call to a model: the conversation and the options.
#[derive(Clone, Copy, Debug)]
pub struct ModelRequest<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The system prompt.
    pub instruction: Option<&'a str>,
    /// The conversation. The model answers its last message.
    pub messages: &'a [Message],
    /// Whether the images are sent. Otherwise a line of text stands for each image.
    pub with_images: bool,
    /// The sampling temperature, from 0 to 2; `None` for the model's default.
    pub temperature: Option<f64>,
    /// The sampling parameters and the format that a server with an API key has sent; `None` for all other callers. Its
    /// temperature and its limit are not read here: this request has them in fields of its own.
    pub options: Option<&'a AnswerOptions>,
    /// The maximum length of the answer in tokens, without the tokens of reasoning before it.
    pub answer_limit: Option<u32>,
    /// Whether the model is known as one of OpenAI's reasoning models.
    pub reasons: bool,
    /// Whether the answer should be streamed.
    pub stream: bool,
    /// The span that the server gets as the parent of its own; `None` without a trace.
    pub span: Option<&'a SpanContext>,
}

impl<'a> ModelRequest<'a> {
    /// Returns the texts that are sent.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let of_options = self.options.into_iter().flat_map(AnswerOptions::texts);
        let said = self.messages.iter().map(|message| message.content.as_str());
        self.instruction.into_iter().chain(said).chain(of_options)
    }
}

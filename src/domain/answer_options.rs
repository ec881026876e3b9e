//! What a server with an API key asks of the model besides the conversation: a system message, sampling, a limit, a format.

use serde_json::Value;

/// What a server with an API key asks of the model besides the conversation. `None` leaves a value to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerOptions {
    /// The system message. It follows the persona's prompt.
    pub instruction: Option<String>,
    /// The sampling temperature, from 0 to 2.
    pub temperature: Option<f64>,
    /// The share of the most probable tokens that are sampled, from 0 to 1.
    pub top_p: Option<f64>,
    /// The maximum length of the answer, in tokens.
    pub max_tokens: Option<u32>,
    /// The texts at which the answer ends.
    pub stop: Vec<String>,
    /// The seed of sampling.
    pub seed: Option<i64>,
    /// The penalty of tokens that occurred before, from -2 to 2.
    pub presence_penalty: Option<f64>,
    /// The penalty of tokens by how often they occurred before, from -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// The format of the answer; `None` for text.
    pub format: Option<AnswerFormat>,
    /// How much a reasoning model reasons, such as `low`.
    pub reasoning_effort: Option<String>,
}

/// The format of an answer that is not plain text.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON of a schema: the object with its name and the schema, as the model's provider reads it.
    JsonSchema(Value),
}

impl AnswerOptions {
    /// Whether a client has chosen the temperature or the length of the answer.
    #[must_use]
    pub fn names_values(&self) -> bool {
        self.temperature.is_some() || self.max_tokens.is_some()
    }
}

//! The numbers of tokens of an answer.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::domain::cost::TokenUsage;

/// The tokens of a turn.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(in crate::api) struct Usage {
    /// Tokens of the prompt.
    prompt_tokens: u64,
    /// Tokens of the answer.
    completion_tokens: u64,
    /// The sum of both.
    total_tokens: u64,
    /// The model that answered.
    model: String,
}

impl Usage {
    pub(in crate::api) fn new(usage: TokenUsage, model: &str) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.total(),
            model: model.to_owned(),
        }
    }
}

impl Example for Usage {
    fn example() -> Self {
        Self::new(TokenUsage { prompt: 18, completion: 9 }, "gpt-4o-mini")
    }
}

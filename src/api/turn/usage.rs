//! The numbers of tokens of an answer.

use poem_openapi::Object;
use serde::Serialize;

use crate::domain::cost::TokenUsage;

/// Tokens of an answer.
#[derive(Debug, Object, Serialize)]
pub(in crate::api) struct Usage {
    /// Tokens the model read.
    prompt_tokens: u64,
    /// Tokens the model wrote.
    completion_tokens: u64,
    /// Tokens in all.
    total_tokens: u64,
    /// The model.
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

//! Facts about an answer besides its text.

use crate::domain::cost::TokenUsage;

/// The facts that a server reports about an answer besides its text. Complete when the answer is complete or has
/// failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerReport {
    /// The tokens used, if they were reported and are plausible.
    pub usage: Option<TokenUsage>,
    /// The cost reported by a gateway, in pico-dollars.
    pub cost: Option<u64>,
    /// The name of the answering model, as its server reports it.
    pub model: Option<String>,
    /// Whether the model reasoned before it answered.
    pub has_reasoned: bool,
    /// Whether a limit of tokens ended the answer.
    pub is_cut_by_limit: bool,
    /// Whether the limit that was sent included tokens for reasoning.
    pub had_reasoning_allowance: bool,
}

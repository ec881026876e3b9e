//! The door to the model, and the built-in responder that stands in for one.

pub mod basic;
mod openai;
mod refusal;

use std::time::Duration;

pub use self::openai::OpenAi;
use crate::{
    chat::{Finish, Message},
    cost::TokenUsage,
};

/// What the model is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The conversation; its last message is to be answered.
    pub messages: &'a [Message],
}

/// What the model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// The tokens it took, if the model told.
    pub usage: Option<TokenUsage>,
    /// How it ended.
    pub finish: Finish,
}

/// The model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFailure {
    /// The key is not accepted.
    #[error("the model's provider refuses the key")]
    Unauthorized,
    /// The key is accepted, but not for this.
    #[error("the model's provider forbids this use of the key")]
    Forbidden,
    /// Too many requests or tokens in too short a time.
    #[error("the model's provider limits the rate of requests")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// The account at the provider has no credit left.
    #[error("the account at the model's provider has no credit left")]
    QuotaExhausted {
        /// When to try again.
        retry_after: Duration,
    },
    /// The provider has no model of that name.
    #[error("the model's provider has no such model")]
    UnknownModel,
    /// The conversation is longer than the model can read.
    #[error("the conversation is too long for the model")]
    PromptTooLong,
    /// The provider refuses the request for another reason.
    #[error("the model's provider refuses the request with status {0}")]
    RequestRefused(u16),
    /// The provider's filter withheld the answer.
    #[error("the model's provider withheld the answer")]
    Withheld,
    /// The provider is too busy.
    #[error("the model is overloaded")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The provider failed.
    #[error("the model's provider failed with status {0}")]
    Failed(u16),
    /// No connection could be made.
    #[error("the model's provider cannot be reached")]
    Unreachable,
    /// The connection ended before the answer did.
    #[error("the connection to the model was lost")]
    ConnectionLost,
    /// What came is not an answer.
    #[error("the model's answer cannot be understood")]
    Unreadable,
    /// The answer is longer than allowed.
    #[error("the model's answer is longer than MODEL_RESPONSE_LIMIT")]
    TooLarge,
    /// Nothing came in time.
    #[error("the model did not answer in time")]
    Timeout,
}

//! The ways in which a call to the model fails.

use std::time::Duration;

use crate::domain::errors::{TurnErrorKind, models, turns};

/// A failed call to the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFailure {
    /// The provider does not accept the key.
    #[error("the model's provider refuses the key")]
    Unauthorized,
    /// The provider accepts the key, but not for this use.
    #[error("the model's provider forbids this use of the key")]
    Forbidden,
    /// The provider limits the rate of requests or tokens.
    #[error("the model's provider limits the rate of requests")]
    RateLimited {
        /// The time to wait, if the provider states one.
        retry_after: Option<Duration>,
    },
    /// The account at the provider has no credit left.
    #[error("the account at the model's provider has no credit left")]
    QuotaExhausted {
        /// The time to wait, if the provider states one.
        retry_after: Option<Duration>,
    },
    /// The provider has no model of this name.
    #[error("the model's provider has no such model")]
    UnknownModel,
    /// The conversation is longer than the model can read.
    #[error("the conversation is too long for the model")]
    PromptTooLong,
    /// The provider refuses the request for another reason, with this status.
    #[error("the model's provider refuses the request with status {0}")]
    RequestRefused(u16),
    /// The provider's filter refuses the conversation before an answer has begun.
    #[error("the filter of the model's provider refuses the conversation")]
    PromptFiltered,
    /// The provider's filter withholds the answer.
    #[error("the model's provider withheld the answer")]
    ContentFiltered,
    /// The answer has no text. A reasoning model may have used its limit of tokens for reasoning.
    #[error("the model's answer has no text")]
    Empty,
    /// The provider is overloaded.
    #[error("the model is overloaded")]
    Overloaded {
        /// The time to wait, if the provider states one.
        retry_after: Option<Duration>,
    },
    /// The provider failed.
    #[error("the model's provider failed with status {status}")]
    Failed {
        /// The HTTP status of the response.
        status: u16,
        /// The time to wait, if the provider states one.
        retry_after: Option<Duration>,
    },
    /// No connection to the provider could be opened.
    #[error("the model's provider cannot be reached")]
    Unreachable,
    /// This process has no file descriptor left for a connection, so the provider was not asked.
    #[error("no file descriptor is left for a connection to the model")]
    NoDescriptors,
    /// The connection ended before the answer was complete.
    #[error("the connection to the model was lost")]
    ConnectionLost,
    /// The response is not an answer in a known format.
    #[error("the model's answer cannot be understood")]
    Unreadable,
    /// The answer is larger than `MODEL_RESPONSE_LIMIT`.
    #[error("the model's answer is longer than MODEL_RESPONSE_LIMIT")]
    TooLarge,
    /// The time limit of the turn was reached.
    #[error("the model did not answer in time")]
    Timeout,
    /// The model sent no text within its share of the time limit, and another model can be asked.
    #[error("the model was slow, and there was another one to ask")]
    Slow,
    /// A server between this one and the model received no answer in time.
    #[error("the model's provider had no answer in time")]
    GatewayTimeout {
        /// The time to wait, if the provider states one.
        retry_after: Option<Duration>,
    },
    /// The model's circuit breaker is open after repeated failures.
    #[error("the circuit breaker of the model is open after repeated failures")]
    CircuitOpen {
        /// The time until the next trial.
        retry_after: Duration,
    },
}

impl ModelFailure {
    /// Returns the row of the error table for this failure: its HTTP status and code, and whether it is billed, retried
    /// and counted against the breaker.
    #[must_use]
    pub fn kind(&self) -> &'static TurnErrorKind {
        match self {
            Self::Unauthorized => &models::INVALID_API_KEY,
            Self::Forbidden => &models::MODEL_FORBIDDEN,
            Self::RateLimited { .. } => &models::RATE_LIMITED,
            Self::QuotaExhausted { .. } => &models::QUOTA_EXHAUSTED,
            Self::UnknownModel => &models::MODEL_NOT_FOUND,
            Self::PromptTooLong => &models::PROMPT_TOO_LONG,
            Self::RequestRefused(400 | 422) => &models::REQUEST_REFUSED,
            Self::RequestRefused(_) => &models::MODEL_REFUSED_REQUEST,
            Self::PromptFiltered => &models::PROMPT_FILTERED,
            Self::ContentFiltered => &models::ANSWER_FILTERED,
            Self::Empty => &models::MODEL_ANSWER_EMPTY,
            Self::Overloaded { .. } => &models::MODEL_OVERLOADED,
            Self::Failed { status: ..500, .. } => &models::MODEL_UNEXPECTED_STATUS,
            Self::Failed { status: 500, .. } => &models::MODEL_SERVER_ERROR,
            Self::Failed { status: 501, .. } => &models::MODEL_NOT_IMPLEMENTED,
            Self::Failed { status: 502 | 520..=530, .. } => &models::MODEL_GATEWAY_ERROR,
            Self::Failed { status: 503.., .. } => &models::MODEL_OTHER_SERVER_ERROR,
            Self::Unreachable => &models::MODEL_UNREACHABLE,
            Self::NoDescriptors => &turns::NO_DESCRIPTORS,
            Self::ConnectionLost => &models::MODEL_CONNECTION_LOST,
            Self::Unreadable => &models::MODEL_ANSWER_UNREADABLE,
            Self::TooLarge => &models::MODEL_ANSWER_TOO_LARGE,
            Self::CircuitOpen { .. } => &models::CIRCUIT_OPEN,
            Self::Timeout => &models::MODEL_TIMEOUT,
            Self::Slow => &models::MODEL_SLOW,
            Self::GatewayTimeout { .. } => &models::GATEWAY_TIMEOUT,
        }
    }

    /// Returns the time to wait before the next attempt, if the provider or the breaker states one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::QuotaExhausted { retry_after }
            | Self::Overloaded { retry_after }
            | Self::Failed { retry_after, .. }
            | Self::GatewayTimeout { retry_after } => *retry_after,
            Self::CircuitOpen { retry_after } => Some(*retry_after),
            Self::Unauthorized
            | Self::Forbidden
            | Self::UnknownModel
            | Self::PromptTooLong
            | Self::RequestRefused(_)
            | Self::PromptFiltered
            | Self::ContentFiltered
            | Self::Empty
            | Self::Unreachable
            | Self::NoDescriptors
            | Self::ConnectionLost
            | Self::Unreadable
            | Self::TooLarge
            | Self::Timeout
            | Self::Slow => None,
        }
    }
}

//! The ways in which a call to the model fails.

use std::time::Duration;

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
        /// When to try again, if it says.
        retry_after: Option<Duration>,
    },
    /// The account at the provider has no credit left.
    #[error("the account at the model's provider has no credit left")]
    QuotaExhausted {
        /// When to try again, if it says.
        retry_after: Option<Duration>,
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
    /// The provider's filter refuses the conversation; no answer was begun.
    #[error("the filter of the model's provider refuses the conversation")]
    PromptFiltered,
    /// The provider's filter withheld the answer.
    #[error("the model's provider withheld the answer")]
    ContentFiltered,
    /// The answer ended without a word; a model that reasons may have used up its limit of tokens for its thoughts.
    #[error("the model's answer has no text")]
    Empty,
    /// The provider is too busy.
    #[error("the model is overloaded")]
    Overloaded {
        /// When to try again, if it says.
        retry_after: Option<Duration>,
    },
    /// The provider failed.
    #[error("the model's provider failed with status {status}")]
    Failed {
        /// The status.
        status: u16,
        /// When to try again, if it says.
        retry_after: Option<Duration>,
    },
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
    /// Nothing came while there was time left to ask another model.
    #[error("the model was slow, and there was another one to ask")]
    Slow,
    /// A server on the way to the model had no answer from it in time.
    #[error("the model's provider had no answer in time")]
    GatewayTimeout {
        /// When to try again, if it says.
        retry_after: Option<Duration>,
    },
    /// It failed too often of late to be asked now.
    #[error("the model failed too often of late, and is left alone for a while")]
    CircuitOpen {
        /// When it is tried again.
        retry_after: Duration,
    },
}

impl ModelFailure {
    /// Whether the same question may be answered a moment later: no connection or a lost one, or a status of 429 (save
    /// for an account without credit), 500, 502, 503, 504, or one of those that some servers and Cloudflare use in their
    /// place.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Failed { status: 500 | 502 | 520..=530, .. })
            || self.is_connection()
            || self.is_overload()
    }

    /// Whether another model may do better: this one is away, busy, or unknown at the provider.
    #[must_use]
    pub fn should_fall_back(&self) -> bool {
        let is_away =
            matches!(self, Self::CircuitOpen { .. } | Self::QuotaExhausted { .. } | Self::UnknownModel | Self::Slow);
        is_away || self.is_transient() || self.counts_against_breaker()
    }

    /// Whether it tells that the model, or the way to it, is broken. A limit to the rate of requests doesn't.
    #[must_use]
    pub fn counts_against_breaker(&self) -> bool {
        matches!(self, Self::Failed { status: 500.., .. } | Self::Timeout) || self.is_connection() || self.is_overload()
    }

    fn is_connection(&self) -> bool {
        matches!(self, Self::Unreachable | Self::ConnectionLost)
    }

    fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::GatewayTimeout { .. })
    }

    /// Whether it tells, of a question that got no answer, that none was begun either, so that nothing was spent.
    #[must_use]
    pub fn is_unbilled(&self) -> bool {
        !matches!(
            self,
            Self::ContentFiltered
                | Self::Empty
                | Self::ConnectionLost
                | Self::Unreadable
                | Self::TooLarge
                | Self::Timeout
                | Self::Slow
                | Self::GatewayTimeout { .. }
                // Said by a server on the way to the model, which may have heard the question.
                | Self::Failed { status: 502.., .. }
        )
    }

    /// When to try again, if that was said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::QuotaExhausted { retry_after }
            | Self::Overloaded { retry_after }
            | Self::Failed { retry_after, .. }
            | Self::GatewayTimeout { retry_after } => *retry_after,
            Self::CircuitOpen { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

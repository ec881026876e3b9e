//! The states of a circuit breaker.

/// The state of a model's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The model is asked.
    Closed,
    /// The model is not asked.
    Open,
    /// The pause is over, and a turn tries the model or may try it.
    HalfOpen,
}

impl BreakerState {
    /// Returns the name shown to operators.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

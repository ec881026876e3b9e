//! The states of a circuit breaker.

/// The state of a circuit breaker of a model or a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The server is asked.
    Closed,
    /// The server is not asked.
    Open,
    /// The pause is over, and a turn tries the server or may try it.
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

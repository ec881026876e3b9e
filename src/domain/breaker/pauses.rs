//! The pauses of an open circuit breaker.

use std::time::Duration;

/// The time that other turns have to wait while one turn tries the server.
pub const TRIAL_INTERVAL: Duration = Duration::from_secs(1);

/// The divisor of the first pause if no other server can be asked.
const DIVISOR_WITHOUT_FALLBACK: u32 = 8;

/// The pauses of an open circuit breaker before a turn may try the server.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// The pause after the breaker has opened. Each failed trial doubles it.
    pub(super) first: Duration,
    /// The longest pause.
    pub(super) longest: Duration,
    /// The time after which another trial may start; `None` if it may start only when the current one has ended.
    pub(super) trial: Option<Duration>,
}

impl Pauses {
    /// Creates the pauses of a server. They are shorter if no other server can be asked instead.
    #[must_use]
    pub fn new(longest: Duration, has_fallback: bool) -> Self {
        if has_fallback {
            Self { first: longest, longest, trial: None }
        } else {
            Self { first: longest / DIVISOR_WITHOUT_FALLBACK, longest, trial: Some(TRIAL_INTERVAL.min(longest)) }
        }
    }
}

//! The ways in which a call of a hook fails.

use std::{error::Error, iter, time::Duration};

use reqwest::StatusCode;

use super::private_addresses::PrivateAddress;
use crate::foundation::http_client::{Cause, cause};

/// A hook gave no usable answer. The text says what happened and what to do, and holds nothing that the hook has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HookFailure {
    /// There is no connection, or it was lost before the whole answer had come.
    #[error("{0}")]
    Connection(Cause),
    /// The host's name is public and leads to a private address.
    #[error(
        "its name leads to a private address; use the address itself or a private name, or set HOOK_PRIVATE_ADDRESSES=on"
    )]
    PrivateAddress,
    /// The time for the whole answer was exceeded.
    #[error("it did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// As many calls as are allowed at a time took until the time was over, so that the hook was not called.
    #[error("other calls of it took {} ms; raise MAX_TURNS if it can answer more at a time", .0.as_millis())]
    Busy(Duration),
    /// The answer is a redirect, which is not followed.
    #[error("it answers with a redirect (status {0}), which is not followed; use the address that it leads to")]
    Redirect(u16),
    /// The answer has a status of another kind than success.
    #[error("it answers with status {0}")]
    Status(u16),
    /// The answer is too large.
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
    /// The answer is not in the hook's protocol.
    #[error("its answer is not what docs/hooks.md describes")]
    NotUnderstood,
    /// The circuit breaker is open, so the hook was not called.
    #[error("its circuit breaker is open after earlier failures")]
    CircuitOpen,
}

impl HookFailure {
    /// Returns a short name, for traces.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::PrivateAddress => "private_address",
            Self::Timeout(_) => "timeout",
            Self::Busy(_) => "busy",
            Self::Redirect(_) => "redirect",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::NotUnderstood => "not_understood",
            Self::CircuitOpen => "circuit_open",
        }
    }

    /// Returns the failure of a call that has no connection, or has lost it. `timeout` is the time for the whole call.
    pub(super) fn of_connection(error: &reqwest::Error, timeout: Duration) -> Self {
        let first: &(dyn Error + 'static) = error;
        if iter::successors(Some(first), |&error| error.source()).any(<dyn Error>::is::<PrivateAddress>) {
            return Self::PrivateAddress;
        }
        match cause(error) {
            Cause::Timeout => Self::Timeout(timeout),
            cause => Self::Connection(cause),
        }
    }

    /// Returns the failure of a call that was answered with a status other than success.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let code = status.as_u16();
        if status.is_redirection() { Self::Redirect(code) } else { Self::Status(code) }
    }

    /// Whether the failure says nothing about the hook: it was not called, this process lacked what a call takes, or the hook
    /// refuses this text, which a visitor may have chosen for that.
    pub(super) fn says_nothing(self) -> bool {
        match self {
            Self::CircuitOpen | Self::Busy(_) | Self::Connection(Cause::NoDescriptors) | Self::TooLarge(_) => true,
            Self::Status(status) => matches!(status, 400 | 413 | 414 | 422),
            _ => false,
        }
    }

    /// Whether the hook may have been at work: a connection to it could be opened.
    #[must_use]
    pub fn has_reached_hook(self) -> bool {
        !self.is_of_connection() && !matches!(self, Self::CircuitOpen | Self::Busy(_))
    }

    /// Whether no connection could be opened, so that no text can be the cause.
    pub(super) fn is_of_connection(self) -> bool {
        match self {
            Self::Connection(cause) => cause != Cause::Reset,
            Self::PrivateAddress => true,
            _ => false,
        }
    }
}

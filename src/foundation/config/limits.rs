//! Limits of what those who ask may use, as the settings have them.

use super::limit_list::LimitList;

/// Limits of what those who ask may use. A turn needs the admission of all scopes that apply to it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of one visitor.
    pub visitor: ScopeLimits,
    /// Of one address.
    pub address: ScopeLimits,
    /// Of one API key without limits of its own.
    pub key: ScopeLimits,
    /// Of all visitors together.
    pub total: ScopeLimits,
    /// How many sessions one address may start; only limits without a unit.
    pub sessions: ScopeLimits,
    /// How often one address may ask for a person; only limits without a unit.
    pub handovers: ScopeLimits,
    /// How often one address may rate answers; only limits without a unit.
    pub feedback: ScopeLimits,
    /// The largest question of a visitor without an account.
    pub anonymous_input: InputLimit,
    /// The longest answer to a visitor without an account.
    pub anonymous_answer: AnswerLimit,
}

/// The limits of one scope, such as a visitor.
#[derive(Clone, Debug)]
pub struct ScopeLimits {
    /// The limits.
    pub list: LimitList,
    /// Whether these are the defaults, which don't apply to requests of this machine.
    pub is_default: bool,
}

/// The largest question, with its history and files.
#[derive(Clone, Copy, Debug)]
pub struct InputLimit {
    /// The size in bytes.
    pub bytes: usize,
    /// Whether this is the default, which doesn't apply to requests of this machine.
    pub is_default: bool,
}

/// The longest answer to a visitor without an account.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLimit {
    /// The length in tokens; `None` without a limit.
    pub tokens: Option<u32>,
    /// Whether this is the default, which doesn't apply to requests of this machine, and is lower for a small context window.
    pub is_default: bool,
}

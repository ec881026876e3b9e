//! How long the answer of a turn may be.

use super::request::TurnRequest;
use crate::foundation::config::{AnswerLimit, Config};

/// The part of a context window, one in so many, that the default for visitors without an account leaves to the answer. A
/// server may refuse a prompt that does not fit beside the longest answer.
const WINDOW_PART: u64 = 4;

/// The limits of answers that the settings have.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerLimits {
    all: Option<u32>,
    anonymous: AnswerLimit,
}

/// The limit of one turn's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TurnAnswerLimit {
    tokens: Option<u32>,
    /// The limit that is lower for a small context window.
    by_default: Option<u32>,
}

impl AnswerLimits {
    pub(super) fn new(config: &Config) -> Self {
        Self { all: config.model.max_answer_tokens, anonymous: config.limits.anonymous_answer }
    }

    /// Returns the limit of the answer to a request: the lowest of `MAX_ANSWER_TOKENS`, the limits of the persona and of the request, and
    /// that of visitors without an account.
    pub(super) fn of(&self, request: &TurnRequest) -> TurnAnswerLimit {
        let asker = &request.asker;
        let AnswerLimit { tokens: anonymous, is_default } = self.anonymous;
        let anonymous = anonymous.filter(|_| asker.is_anonymous() && !(is_default && asker.is_local));
        let of_persona = request.persona.as_ref().and_then(|persona| persona.max_tokens);
        let of_request = request.options.as_ref().and_then(|options| options.max_tokens);
        let set = anonymous.filter(|_| !is_default);
        let tokens = [of_persona, of_request, self.all, set].into_iter().flatten().min();
        TurnAnswerLimit { tokens, by_default: anonymous.filter(|_| is_default) }
    }
}

impl TurnAnswerLimit {
    /// Returns the tokens that an answer may have, without those of reasoning, of a model with this context window; `None`
    /// without a limit.
    pub(super) fn tokens(self, window: u64) -> Option<u32> {
        let part = u32::try_from(window / WINDOW_PART).unwrap_or(u32::MAX).max(1);
        let by_default = self.by_default.map(|tokens| tokens.min(part));
        self.tokens.into_iter().chain(by_default).min()
    }
}

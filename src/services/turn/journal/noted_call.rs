//! The data of a call to a model that a journal has for the record of an open stream.

use std::time::{Duration, Instant};

use crate::{
    adapters::credentials::KeyOrigin,
    domain::cost::TokenUsage,
    services::turn::{context::ContextRecord, ended_call::EndedCall, guard::GuardRecord},
};

/// The latest call to a model, as far as the record of an open stream needs it.
#[derive(Clone, Debug)]
pub(in crate::services::turn) struct NotedCall {
    /// The model that was called; `basic` is the built-in responder.
    pub(in crate::services::turn) model: String,
    pub(in crate::services::turn) key: KeyOrigin,
    /// The age of the key when the call began; `None` if Papita did not return it.
    pub(in crate::services::turn) key_age: Option<Duration>,
    /// The time from which the turn waits for models.
    pub(in crate::services::turn) started_at: Option<Instant>,
    /// The start of the call.
    pub(in crate::services::turn) running_since: Option<Instant>,
    /// The calls before, if any has failed.
    pub(in crate::services::turn) ended: Vec<EndedCall>,
    /// The number of calls in the turn.
    pub(in crate::services::turn) attempts: u32,
    /// The number of messages that were sent, counted from the last one.
    pub(in crate::services::turn) messages: usize,
    /// What the guard said before the call.
    pub(in crate::services::turn) guard: GuardRecord,
    /// The outcome of asking the context hook before the call.
    pub(in crate::services::turn) context: Option<ContextRecord>,
    /// The tokens that earlier calls reported.
    pub(in crate::services::turn) earlier: TokenUsage,
}

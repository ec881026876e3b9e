//! The input of the calls to models in one turn.

use tokio::time::Instant;

use super::{call_record::CallRecord, routes::Route};
use crate::{
    domain::{
        answer_options::AnswerOptions, breaker::CallerHash, chat::Message, known_models::Abilities, persona::Persona,
        tenant::Tenant,
    },
    foundation::trace::RequestTrace,
    services::turn::{answer_limits::TurnAnswerLimit, idempotency::KeyClaim, journal::Journal},
};

/// The input of all calls to models in one turn: the conversation, the persona, the deadline, and whether to stream.
#[derive(Clone, Copy)]
pub(in crate::services::turn) struct CallRequest<'r> {
    /// The identity by which the circuit breaker counts callers.
    pub(in crate::services::turn) caller_hash: CallerHash,
    /// The identity by which the circuit breakers of hooks count callers.
    pub(in crate::services::turn) address_hash: CallerHash,
    /// The conversation, whose last message is the question.
    pub(in crate::services::turn) messages: &'r [Message],
    pub(in crate::services::turn) persona: Option<&'r Persona>,
    /// The system message.
    pub(in crate::services::turn) instruction: Option<&'r str>,
    /// The system message with the texts of the context hook; `None` without texts.
    pub(in crate::services::turn) instruction_with_texts: Option<&'r str>,
    pub(in crate::services::turn) options: Option<&'r AnswerOptions>,
    /// On whose behalf the visitor asks, if not only on their own.
    pub(in crate::services::turn) tenant: Option<&'r Tenant>,
    pub(in crate::services::turn) answer_limit: TurnAnswerLimit,
    /// Whether the client wants the answer as a stream.
    pub(in crate::services::turn) stream: bool,
    /// The end of the time for a whole answer, or for the start of a streamed one.
    pub(in crate::services::turn) deadline: Instant,
    /// The journal to which the answer is written.
    pub(in crate::services::turn) journal: &'r Journal,
    /// The claim of the turn on its idempotency key, which is marked before a model is asked.
    pub(in crate::services::turn) claim: Option<&'r KeyClaim>,
    /// The trace of the request; `None` if turns are not traced.
    pub(in crate::services::turn) trace: Option<&'r RequestTrace>,
}

impl<'r> CallRequest<'r> {
    /// Whether another call may answer the question: no text has been written yet.
    pub(super) fn may_call_again(&self) -> bool {
        !self.journal.has_text()
    }

    /// Returns the system message of a call.
    pub(super) fn instruction(&self, record: &CallRecord<'_>) -> Option<&'r str> {
        self.instruction_with_texts.filter(|_| record.has_context()).or(self.instruction)
    }

    /// Whether the tenant, if there is one, lets a model answer.
    pub(super) fn may_use(&self, model: &str) -> bool {
        self.tenant.is_none_or(|tenant| tenant.may_use(model))
    }
}

/// The model to call, and its share of the time.
#[derive(Clone, Copy)]
pub(super) struct Target<'m> {
    pub(super) model: &'m str,
    pub(super) route: Route<'m>,
    pub(super) abilities: Abilities,
    /// The system message.
    pub(super) instruction: Option<&'m str>,
    /// The time at which another model is called if this one has sent no text. `None` if there is no other model, or if
    /// the model is called for a whole answer: such an answer shows nothing before its end, so slowness can't be seen.
    pub(super) fallback_at: Option<Instant>,
}

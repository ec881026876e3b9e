//! The ways in which a turn ends without an answer.

use std::time::Duration;

use crate::{
    adapters::{credentials::NoCredential, model::ModelFailure},
    domain::{
        chat::InvalidImage,
        errors::{TurnErrorKind, turns},
        limits::LimitReached,
    },
};

/// The reason why a turn has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnFailure {
    /// The client names a model that is not allowed.
    #[error("the model that the client names is neither OPENAI_MODEL nor among ALLOWED_MODELS")]
    ModelNotAllowed,
    /// A limit of the visitor, the address, the site, the API key or all together is reached.
    #[error(transparent)]
    LimitReached(LimitReached),
    /// The question of a visitor without an account is too large.
    #[error("the question of a visitor without an account is larger than {limit} bytes")]
    InputTooLarge {
        /// The largest size in bytes.
        limit: usize,
    },
    /// The owner's guard rejects the question.
    #[error("the guard rejects the question")]
    RejectedByGuard {
        /// The guard's sentence for the visitor.
        message: Option<String>,
    },
    /// The owner's guard rejects the beginning of the answer.
    #[error("the guard rejects the answer")]
    AnswerRejectedByGuard {
        /// The guard's sentence for the visitor.
        message: Option<String>,
    },
    /// The owner's guard gave no verdict.
    #[error("the guard gave no verdict, and GUARD_FAIL is closed")]
    GuardUnavailable,
    /// The site is paused, or all spending.
    #[error("the operator has paused the site, or all spending")]
    SitePaused,
    /// The service is shutting down.
    #[error("the service is stopping")]
    Stopping,
    /// The limit of concurrent turns is reached, and so is the limit of the queue.
    #[error("all MAX_TURNS permits are in use, and TURN_QUEUE is full or TURN_QUEUE_TIMEOUT has passed")]
    Busy,
    /// The Idempotency-Key was used for another question.
    #[error("the Idempotency-Key was used for another question")]
    KeyReused,
    /// The turn of this Idempotency-Key was interrupted, and its answer is not known.
    #[error("the turn of this Idempotency-Key was interrupted")]
    Interrupted,
    /// The earlier turns of the same chat did not end in time.
    #[error("the earlier turns of the same chat took too long")]
    ChatBusy,
    /// The message does not fit beside what its owner has stored.
    #[error("the owner has stored {max_bytes} bytes, or the message is too large beside what is stored")]
    StorageFull {
        /// The most bytes that an owner may store.
        max_bytes: u64,
    },
    /// The chat or the message was removed, or the message has been answered.
    #[error("the chat or the message was removed, or the message has been answered")]
    ChatChanged,
    /// An image cannot be sent to the model.
    #[error(transparent)]
    Image(#[from] InvalidImage),
    /// The session log cannot be written, so no turn may be answered.
    #[error("the session log cannot be written")]
    LogUnavailable,
    /// The database cannot be used.
    #[error("the database cannot be used")]
    StorageUnavailable,
    /// No API key is available.
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    /// The call to the model failed.
    #[error(transparent)]
    Model(#[from] ModelFailure),
    /// The client disconnected.
    #[error("the client disconnected before the answer was complete")]
    ClientGone,
    /// The process ended during the turn.
    #[error("the process ended before the answer was complete")]
    ProcessEnded,
    /// The turn's task ended because of a bug.
    #[error("the task of the turn stopped because of a bug")]
    Died,
}

impl TurnFailure {
    /// Returns the row of the error table for this failure: its HTTP status and code, and its finish reason in the log.
    #[must_use]
    pub fn kind(&self) -> &'static TurnErrorKind {
        match self {
            Self::ModelNotAllowed => &turns::MODEL_NOT_ALLOWED,
            Self::LimitReached(reached) if reached.is_spent_budget() => &turns::BUDGET_SPENT,
            Self::LimitReached(_) => &turns::LIMIT_REACHED,
            Self::InputTooLarge { .. } => &turns::INPUT_TOO_LARGE,
            Self::RejectedByGuard { .. } => &turns::REJECTED_BY_GUARD,
            Self::AnswerRejectedByGuard { .. } => &turns::ANSWER_REJECTED_BY_GUARD,
            Self::GuardUnavailable => &turns::GUARD_UNAVAILABLE,
            Self::SitePaused => &turns::SITE_PAUSED,
            Self::Stopping => &turns::STOPPING,
            Self::Busy => &turns::TOO_BUSY,
            Self::KeyReused => &turns::IDEMPOTENCY_KEY_REUSED,
            Self::Interrupted => &turns::TURN_INTERRUPTED,
            Self::ChatBusy => &turns::CHAT_BUSY,
            Self::StorageFull { .. } => &turns::STORAGE_FULL,
            Self::ChatChanged => &turns::CHAT_CHANGED,
            Self::Image(invalid) => invalid.kind(),
            Self::LogUnavailable => &turns::SESSION_LOG_UNAVAILABLE,
            Self::StorageUnavailable => &turns::STORAGE_UNAVAILABLE,
            Self::NoCredential(none) => none.kind(),
            Self::Model(failure) => failure.kind(),
            Self::ClientGone => &turns::CLIENT_GONE,
            Self::ProcessEnded => &turns::PROCESS_ENDED,
            Self::Died => &turns::TURN_TASK_FAILED,
        }
    }

    /// Returns the time to wait before the next attempt, if the model's provider, the breaker or a limit states one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model(failure) => failure.retry_after(),
            Self::LimitReached(reached) => Some(reached.wait),
            _ => None,
        }
    }
}

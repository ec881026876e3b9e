//! The ways in which a turn ends without an answer.

use crate::{
    adapters::{credentials::NoCredential, model::ModelFailure},
    domain::chat::{Finish, InvalidImage},
};

/// A turn ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnFailure {
    /// The client may not choose this model.
    #[error("the model that the client names is neither OPENAI_MODEL nor among ALLOWED_MODELS")]
    ModelNotAllowed,
    /// The service is about to stop.
    #[error("the service is stopping")]
    Stopping,
    /// There are as many turns as there may be.
    #[error("all MAX_TURNS places are taken; TURN_QUEUE is full, or TURN_QUEUE_TIMEOUT was over")]
    Busy,
    /// The Idempotency-Key was used for another question.
    #[error("the Idempotency-Key was used for another question")]
    KeyReused,
    /// The turn of this Idempotency-Key was begun, and then cut off.
    #[error("the turn of this Idempotency-Key was cut off")]
    Interrupted,
    /// Others were waiting for their turn in the same chat, and time ran out.
    #[error("the turns before it in the same chat took too long")]
    ChatBusy,
    /// The chat, or the message to be answered, was removed, or is not there to be answered.
    #[error("the chat or the message is gone, or isn't to be answered")]
    ChatChanged,
    /// An image cannot be shown to the model.
    #[error(transparent)]
    Image(#[from] InvalidImage),
    /// The session log cannot be written, so no turn may be answered.
    #[error("the session log cannot be written")]
    LogUnavailable,
    /// The database cannot be written.
    #[error("the database cannot be written")]
    StorageUnavailable,
    /// There is no key to ask the model with.
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    /// The model gave no answer.
    #[error(transparent)]
    Model(#[from] ModelFailure),
    /// The client left.
    #[error("the client left before the answer was there")]
    ClientGone,
    /// The turn's task died.
    #[error("the turn died of a fault of ours")]
    Died,
}

impl TurnFailure {
    pub(super) fn finish(&self) -> Finish {
        match self {
            Self::ClientGone => Finish::ClientGone,
            Self::Stopping => Finish::Stopped,
            Self::Busy
            | Self::ChatBusy
            | Self::Model(ModelFailure::Timeout | ModelFailure::Slow | ModelFailure::GatewayTimeout { .. }) => {
                Finish::Timeout
            }
            _ => Finish::UpstreamError,
        }
    }
}

/// How a failure will be told: its HTTP status and its stable code. The wire decides that, the log repeats it.
pub type Telling = fn(&TurnFailure) -> (u16, &'static str);

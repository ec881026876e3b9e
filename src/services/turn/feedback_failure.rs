//! Failures of feedback.

use std::sync::Arc;

use crate::{
    adapters::{session_log::LogUnavailable, storage::StorageFailure},
    domain::limits::TooManyOfAddress,
};

/// The reason why feedback could not be recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FeedbackFailure {
    /// The address has rated too often.
    #[error(transparent)]
    TooMany(#[from] TooManyOfAddress),
    /// The feedback on the turn has changed as often as it may.
    #[error("the feedback on this turn has changed as often as it may")]
    TooManyChanges,
    /// The client has no such answered turn of the last days.
    #[error("the client has no such answered turn of the last days")]
    NoTurn,
    /// The session log cannot be written.
    #[error(transparent)]
    Log(#[from] LogUnavailable),
    /// The database failed.
    #[error("the database cannot be used")]
    Storage(#[from] Arc<StorageFailure>),
}

impl From<StorageFailure> for FeedbackFailure {
    fn from(failure: StorageFailure) -> Self {
        Self::Storage(Arc::new(failure))
    }
}

//! Successful responses that hold no complete answer.

use super::{chunk::ChunkError, provider_error::ProviderError};
use crate::adapters::model::{ModelError, ModelFailure, Reason};

/// The error for a response with a success status that holds no complete answer.
pub(super) enum AnswerError {
    /// The response holds an error of the provider.
    Provider(ProviderError),
    /// The response ended too early, took too long, or has another format.
    Failed(ModelError),
}

impl From<ModelError> for AnswerError {
    fn from(error: ModelError) -> Self {
        Self::Failed(error)
    }
}

impl From<ChunkError> for AnswerError {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::Provider(error) => Self::Provider(error),
            ChunkError::Unreadable => Self::Failed(ModelFailure::Unreadable.into()),
        }
    }
}

impl From<AnswerError> for ModelError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Provider(error) => Self::new(error.failure_without_status(), Reason::new(error.text())),
            AnswerError::Failed(error) => error,
        }
    }
}

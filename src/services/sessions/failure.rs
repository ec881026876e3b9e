//! Failures of starting and stopping sessions.

use std::sync::Arc;

use crate::{
    adapters::{session_log::LogUnavailable, storage::StorageFailure},
    domain::limits::TooManySessions,
};

/// The reason why a session could not be started or stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionFailure {
    /// The address has started too many sessions.
    #[error(transparent)]
    TooMany(#[from] TooManySessions),
    /// The session log cannot be written.
    #[error(transparent)]
    Log(#[from] LogUnavailable),
    /// The database failed.
    #[error("the database cannot be used")]
    Storage(#[from] Arc<StorageFailure>),
}

impl From<StorageFailure> for SessionFailure {
    fn from(failure: StorageFailure) -> Self {
        Self::Storage(Arc::new(failure))
    }
}

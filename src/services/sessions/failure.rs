//! Failures of starting and stopping sessions.

use std::sync::Arc;

use crate::{
    adapters::{session_log::LogUnavailable, storage::StorageFailure},
    domain::limits::TooManyOfAddress,
};

/// The reason why a session could not be started or stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionFailure {
    /// The address has started too many sessions, or asked for a person too often.
    #[error(transparent)]
    TooMany(#[from] TooManyOfAddress),
    /// No events are sent, so that nobody would get the request for a person.
    #[error("EVENTS_URL is not set")]
    NoHandover,
    /// Too many events wait.
    #[error("as many events wait as EVENTS_QUEUE_LIMIT allows")]
    EventQueueFull,
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

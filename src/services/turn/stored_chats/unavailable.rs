//! Failures of the database in turns of stored chats.

use crate::{adapters::storage::StorageFailure, services::turn::failure::TurnFailure};

/// Logs a failure of the database. Returns the failure of the turn.
pub(super) fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(%failure, "a turn in a stored chat cannot be kept");
    TurnFailure::StorageUnavailable
}

//! Failures of the database in turns of stored chats.

use crate::{
    adapters::storage::StorageFailure, foundation::error_chain::ErrorChain, services::turn::failure::TurnFailure,
};

/// Logs a failure of the database. Returns the failure of the turn.
pub(super) fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(failure = %ErrorChain(failure), "a turn in a stored chat cannot be stored");
    TurnFailure::StorageUnavailable
}

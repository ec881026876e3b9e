//! The state of the key in use.

use crate::{adapters::credentials::Access, api::AppState};

/// Whether the model's provider refused the current key at its last use.
pub(super) fn is_refused(state: &AppState, access: &Access) -> bool {
    access.key().is_some_and(|key| state.credentials.is_refused(key))
}

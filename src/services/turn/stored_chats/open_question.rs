//! Questions whose turns are running.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedSemaphorePermit;

use crate::adapters::storage::PendingQuestion;

/// The ids of the requests whose questions are pending, or will be. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct ActiveRequests(Arc<Mutex<HashSet<String>>>);

/// An active request, which holds the permit of its chat.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    all: ActiveRequests,
    request_id: String,
    _permit: OwnedSemaphorePermit,
}

/// A question that is pending in the database while its turn runs.
#[derive(Debug)]
pub(in crate::services::turn) struct OpenQuestion {
    pub(super) question: PendingQuestion,
    pub(super) _active: ActiveRequest,
}

impl ActiveRequests {
    /// Adds a request until the returned value is dropped.
    pub(super) fn add(&self, request_id: &str, permit: OwnedSemaphorePermit) -> ActiveRequest {
        self.ids().insert(request_id.to_owned());
        ActiveRequest { all: self.clone(), request_id: request_id.to_owned(), _permit: permit }
    }

    pub(super) fn contains(&self, request_id: &str) -> bool {
        self.ids().contains(request_id)
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.all.ids().remove(&self.request_id);
    }
}

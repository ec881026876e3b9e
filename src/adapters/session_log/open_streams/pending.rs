//! Records of open streams that are not in the file yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The fields of lines as JSON, by the ids of the requests that started the streams. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct PendingRecords(Arc<Mutex<HashMap<String, String>>>);

impl PendingRecords {
    /// Adds the record of a stream, or replaces it.
    pub(in super::super) fn add(&self, request_id: String, fields: String) {
        self.records().insert(request_id, fields);
    }

    pub(super) fn remove(&self, request_id: &str) {
        self.records().remove(request_id);
    }

    /// Removes and returns all records.
    pub(super) fn take(&self) -> HashMap<String, String> {
        std::mem::take(&mut *self.records())
    }

    /// Adds records again that could not be written, except those that were replaced meanwhile.
    pub(super) fn put_back(&self, records: HashMap<String, String>) {
        let mut pending = self.records();
        for (request_id, fields) in records {
            pending.entry(request_id).or_insert(fields);
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Whether the texts of a turn were erased, so that its journal is not to be read after its end.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// The key that seals the texts of a turn in the session log, and whether it was erased.
#[derive(Debug, Default)]
pub(in crate::services::turn) struct Erasure {
    content_key: OnceLock<String>,
    is_erased: AtomicBool,
}

impl Erasure {
    /// Notes the id of the key.
    pub(in crate::services::turn) fn note_key(&self, id: &str) {
        // A turn has one key.
        let _ = self.content_key.set(id.to_owned());
    }

    /// Notes that these keys were erased. Returns whether the turn's key is one of them.
    pub(in crate::services::turn) fn note_erased(&self, ids: &[String]) -> bool {
        let is_erased = self.content_key.get().is_some_and(|id| ids.contains(id));
        self.is_erased.fetch_or(is_erased, Ordering::Relaxed);
        is_erased
    }

    /// Whether the texts were erased.
    pub(in crate::services::turn) fn is_erased(&self) -> bool {
        self.is_erased.load(Ordering::Relaxed)
    }
}

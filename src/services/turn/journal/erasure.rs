//! Whether the texts of a turn were erased, so that its journal is not to be read after its end.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use crate::services::turn::text_scope::{ErasedTexts, TextScope};

/// The key that seals the texts of a turn in the session log, and whether the texts were erased.
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

    /// Returns the id of the key, once it is noted.
    pub(in crate::services::turn) fn content_key(&self) -> Option<&str> {
        self.content_key.get().map(String::as_str)
    }

    /// Notes that the texts were erased. Returns whether they had not been erased before.
    pub(in crate::services::turn) fn mark(&self) -> bool {
        !self.is_erased.swap(true, Ordering::Relaxed)
    }

    /// Notes that texts were erased. Returns whether those of the turn, which belong to `scope`, are among them and had not been
    /// erased before.
    pub(super) fn note_erased(&self, scope: &TextScope, erased: ErasedTexts<'_>) -> bool {
        erased.contain(scope, self.content_key()) && self.mark()
    }

    /// Whether the texts were erased.
    pub(in crate::services::turn) fn is_erased(&self) -> bool {
        self.is_erased.load(Ordering::Relaxed)
    }
}

//! Erasures of a short time ago, for turns whose key was being read meanwhile.

use std::time::Duration;

use moka::sync::Cache;

use super::text_scope::{ErasedTexts, TextScope};
use crate::domain::account::OwnerId;

/// The time for which an erasure is kept: longer than a turn takes between reading its key, or its stored answer, and the note of
/// the key in its journal.
const KEPT_FOR: Duration = Duration::from_mins(5);

/// The number of erasures that are kept.
const MAX_ERASURES: u64 = 100_000;

/// The ids of keys that were erased, with the owner whose texts were erased; `None` for those of everybody. Erasures of
/// other kinds are not needed: running turns are found by their session, owner or stored chat before their key is known.
#[derive(Debug)]
pub(super) struct RecentErasures(Cache<(String, Option<OwnerId>), ()>);

impl RecentErasures {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(MAX_ERASURES).time_to_live(KEPT_FOR).build())
    }

    pub(super) fn add(&self, erased: ErasedTexts<'_>) {
        if let ErasedTexts::Session { id, owner } = erased {
            self.0.insert((id.to_string(), owner), ());
        }
    }

    /// Whether the texts that a key seals in this scope were erased.
    pub(super) fn contain(&self, scope: &TextScope, key: &str) -> bool {
        [None, scope.owner].into_iter().any(|owner| self.0.contains_key(&(key.to_owned(), owner)))
    }
}

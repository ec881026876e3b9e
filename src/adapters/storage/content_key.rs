//! A key that seals the texts of the session log: what it seals, and the cache of keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use super::{column_values::day_of, ids::ChatId};
use crate::{
    domain::{account::OwnerId, session::SessionId},
    foundation::secret::ContentKey,
};

/// The number of keys in memory.
const CACHED_KEYS: u64 = 10_000;

/// The time after which another replica's erasure of a key is noticed. Texts that are sealed meanwhile are erased, too.
const CACHE_TTL: Duration = Duration::from_mins(5);

/// The session, owner and stored chat of a turn's texts.
#[derive(Clone, Copy, Debug)]
pub struct ContentScope<'a> {
    /// The session that the client named.
    pub session: Option<&'a SessionId>,
    /// The account, or the owner of the stored chat.
    pub owner: Option<OwnerId>,
    /// The stored chat.
    pub chat: Option<ChatId>,
}

impl ContentScope<'_> {
    /// Returns the scope at a retention time as text; `None` if the texts belong to nothing but their turn.
    pub(super) fn on_day_of(self, time: i64) -> Option<String> {
        let Self { session, owner, chat } = self;
        let day = day_of(time);
        let parts = [
            session.map(|session| format!(" session {session}")),
            owner.map(|owner| format!(" owner {owner}")),
            chat.map(|ChatId(chat)| format!(" chat {chat}")),
        ];
        let has_any = parts.iter().any(Option::is_some);
        has_any.then(|| format!("day {day}{}", parts.into_iter().flatten().collect::<String>()))
    }
}

/// A key that is stored.
#[derive(Debug)]
pub struct StoredKey {
    /// The id of the key, which the lines that it has sealed hold.
    pub id: String,
    /// The key.
    pub key: ContentKey,
}

/// Selects a key by its id.
pub(super) const SELECT_KEY: &str = "SELECT id, key FROM content_keys
    JOIN content_key_slots ON content_key_slots.slot = content_keys.slot WHERE id = $1";

/// A row of [`SELECT_KEY`].
pub(super) type KeyRow = (String, String);

/// Returns the key of a row.
pub(super) fn stored_key((id, key): KeyRow) -> Option<StoredKey> {
    Some(StoredKey { id, key: ContentKey::decode(&key)? })
}

/// The keys that were used last, by their scopes. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct ContentKeyCache {
    keys: Cache<String, CachedKey>,
    generation: Arc<AtomicU64>,
}

/// The number of times that the cache was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// A key, and the generation of the cache before the key was read from the database.
#[derive(Clone, Debug)]
struct CachedKey {
    key: Arc<StoredKey>,
    generation: Generation,
}

impl ContentKeyCache {
    pub(super) fn new() -> Self {
        let keys = Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHE_TTL).build();
        Self { keys, generation: Arc::default() }
    }

    /// Returns the generation, which is to be read before a key is read from the database.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::SeqCst))
    }

    pub(super) fn get(&self, scope: &str) -> Option<Arc<StoredKey>> {
        let CachedKey { key, generation } = self.keys.get(scope)?;
        (generation == self.generation()).then_some(key)
    }

    /// Adds a key that was read from the database in a generation. If the cache was cleared since, the key may be one of those
    /// that were deleted, and is not found.
    pub(super) fn insert(&self, scope: String, key: Arc<StoredKey>, generation: Generation) {
        self.keys.insert(scope, CachedKey { key, generation });
    }

    /// Removes all keys when the returned value is dropped: at the end of a deletion of keys, also if it is cancelled, or fails
    /// and may have taken effect. Deletions are rare, and the keys that remain are read again.
    pub(super) fn clear_at_end(&self) -> ClearAtEnd<'_> {
        ClearAtEnd { cache: self, is_due: true }
    }

    fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.keys.invalidate_all();
    }
}

/// Clears the cache when it is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct ClearAtEnd<'a> {
    cache: &'a ContentKeyCache,
    is_due: bool,
}

impl ClearAtEnd<'_> {
    /// Leaves the cache as it is, because certainly no key was deleted.
    pub(super) fn cancel(mut self) {
        self.is_due = false;
    }
}

impl Drop for ClearAtEnd<'_> {
    fn drop(&mut self) {
        if self.is_due {
            self.cache.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_read_before_others_were_deleted_is_not_found() {
        let cache = ContentKeyCache::new();
        let key = Arc::new(StoredKey { id: "k".to_owned(), key: ContentKey::generate() });
        let read_in = cache.generation();
        drop(cache.clear_at_end());
        cache.insert("session a".to_owned(), Arc::clone(&key), read_in);
        assert!(cache.get("session a").is_none());
        cache.insert("session a".to_owned(), key, cache.generation());
        cache.clear_at_end().cancel();
        assert!(cache.get("session a").is_some_and(|found| found.id == "k"));
        drop(cache.clear_at_end());
        assert!(cache.get("session a").is_none());
    }
}

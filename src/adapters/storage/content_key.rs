//! A key that seals the texts of the session log: what it seals, and the cache of keys.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use super::ids::ChatId;
use crate::{
    domain::{account::OwnerId, session::SessionId},
    foundation::secret::ContentKey,
};

/// The length of a day in microseconds.
const DAY: i64 = 86_400_000_000;

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
        let day = time.div_euclid(DAY);
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
pub(super) struct ContentKeyCache(Cache<String, Arc<StoredKey>>);

impl ContentKeyCache {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHE_TTL).build())
    }

    pub(super) fn get(&self, scope: &str) -> Option<Arc<StoredKey>> {
        self.0.get(scope)
    }

    pub(super) fn insert(&self, scope: String, key: Arc<StoredKey>) {
        self.0.insert(scope, key);
    }

    /// Removes all keys, since some of them were deleted. That is rare, and the others are read again.
    pub(super) fn clear(&self) {
        self.0.invalidate_all();
    }
}

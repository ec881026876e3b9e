//! The turns of keys that were claimed here lately, found without the database.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::adapters::storage::ScopedKey;

/// The most keys. With keys of the greatest length they occupy some 3 MB.
const MAX_KEYS: usize = 4096;

/// The turn that a request with a key has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyedTurn {
    pub(super) request_id: String,
    /// The hash of the request's content.
    pub(super) fingerprint: String,
}

/// The latest keys with their turns.
#[derive(Debug, Default)]
pub(super) struct RecentKeys(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    turns: HashMap<ScopedKey, KeyedTurn>,
    /// The keys from the earliest to the latest; one that was claimed again is in it twice.
    order: VecDeque<ScopedKey>,
}

impl RecentKeys {
    pub(super) fn add(&self, key: ScopedKey, turn: KeyedTurn) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.order.push_back(key.clone());
        recent.turns.insert(key, turn);
        if recent.order.len() > MAX_KEYS
            && let Some(earliest) = recent.order.pop_front()
        {
            recent.turns.remove(&earliest);
        }
    }

    pub(super) fn get(&self, key: &ScopedKey) -> Option<KeyedTurn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).turns.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> ScopedKey {
        ScopedKey { caller: "guest".to_owned(), key: number.to_string() }
    }

    fn turn(number: usize) -> KeyedTurn {
        KeyedTurn { request_id: number.to_string(), fingerprint: String::new() }
    }

    #[test]
    fn the_latest_keys_are_known() {
        let recent = RecentKeys::default();
        for number in 0..=MAX_KEYS {
            recent.add(key(number), turn(number));
        }
        assert_eq!((recent.get(&key(0)), recent.get(&key(1))), (None, Some(turn(1))));
        recent.add(key(MAX_KEYS), turn(7));
        assert_eq!(recent.get(&key(MAX_KEYS)), Some(turn(7)), "the latest turn of a key counts");
        assert_eq!(recent.0.lock().unwrap().turns.len(), MAX_KEYS - 1);
    }
}

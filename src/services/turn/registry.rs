//! The journals of turns by the ids of their requests: of running turns, and for a while of those that have ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};

use super::{journal::Journal, request::TurnRequest};

/// Limit of the memory for turns that have ended, in bytes.
const MAX_ENDED_BYTES: u64 = 64 << 20;

/// Estimated memory of a journal besides its text, in bytes.
const JOURNAL_BYTES: usize = 1024;

/// Creates journals, and finds those of turns that can be resumed.
#[derive(Debug)]
pub(super) struct Registry {
    /// The time for which a turn that can be resumed goes on without a reader.
    grace: Duration,
    running: Mutex<Running>,
    /// `None` if turns can't be found after their end.
    ended: Option<Cache<String, Arc<Journal>>>,
}

#[derive(Debug, Default)]
struct Running {
    journals: HashMap<String, Arc<Journal>>,
    /// The ids of further requests for a running turn, by the id of the request that started it.
    aliases: HashMap<String, Vec<String>>,
}

impl Registry {
    /// Turns that can be resumed go on for `grace` without a reader, and are found for `window` after their end.
    pub(super) fn new(grace: Duration, window: Duration) -> Self {
        let cache = || {
            let weight = |id: &String, journal: &Arc<Journal>| {
                u32::try_from(id.len() + JOURNAL_BYTES + journal.memory_size()).unwrap_or(u32::MAX)
            };
            // Hardly any journal is read again, so an eviction policy by frequency would evict the newest ones.
            let oldest_first = EvictionPolicy::lru();
            Cache::builder()
                .max_capacity(MAX_ENDED_BYTES)
                .time_to_live(window)
                .eviction_policy(oldest_first)
                .weigher(weight)
                .build()
        };
        Self { grace, running: Mutex::default(), ended: (!window.is_zero()).then(cache) }
    }

    /// Creates a journal. It is found by its request's id if the turn can be resumed.
    pub(super) fn open(&self, request: &TurnRequest, model: &str, can_resume: bool) -> Arc<Journal> {
        let grace = if can_resume { self.grace } else { Duration::ZERO };
        let (id, session) = (request.request_id.clone(), request.session_id.clone());
        let journal = Journal::new(id, session, request.chat_owner(), model.to_owned(), grace);
        if can_resume {
            self.add(&journal);
        }
        journal
    }

    fn add(&self, journal: &Arc<Journal>) {
        self.running().journals.insert(journal.request_id.clone(), Arc::clone(journal));
    }

    /// Adds the id of a further request for the same turn, so that `find` returns the journal for this id, too.
    pub(super) fn add_alias(&self, request_id: &str, journal: &Arc<Journal>) {
        let mut running = self.running();
        if running.journals.contains_key(&journal.request_id) {
            running.journals.insert(request_id.to_owned(), Arc::clone(journal));
            running.aliases.entry(journal.request_id.clone()).or_default().push(request_id.to_owned());
        } else {
            // The journal of a stored answer. Its events name the first id, which may not be found any more.
            self.add_ended(request_id.to_owned(), journal);
            self.add_ended(journal.request_id.clone(), journal);
        }
    }

    /// Moves a journal from those of running turns to those of ended turns.
    pub(super) fn move_to_ended(&self, journal: &Arc<Journal>) {
        let mut running = self.running();
        if running.journals.contains_key(&journal.request_id) {
            let aliases = running.aliases.remove(&journal.request_id).unwrap_or_default();
            for id in aliases.into_iter().chain([journal.request_id.clone()]) {
                running.journals.remove(&id);
                self.add_ended(id, journal);
            }
        }
    }

    /// Removes the journal of a turn that was not begun.
    pub(super) fn remove(&self, journal: &Journal) {
        self.running().journals.remove(&journal.request_id);
    }

    /// Returns the journal of the turn that this request started or joined.
    pub(super) fn find(&self, request_id: &str) -> Option<Arc<Journal>> {
        let running = self.running().journals.get(request_id).cloned();
        running.or_else(|| self.ended.as_ref()?.get(request_id))
    }

    fn add_ended(&self, id: String, journal: &Arc<Journal>) {
        if let Some(ended) = &self.ended {
            ended.insert(id, Arc::clone(journal));
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{chat::Finish, cost::TokenUsage},
        services::turn::summary::TurnSummary,
    };

    #[test]
    fn the_latest_turns_are_found_when_memory_is_short() {
        let registry = Registry::new(Duration::ZERO, Duration::from_mins(1));
        let text = "x".repeat(1 << 20);
        for number in 0..100 {
            let at = Timestamp::UNIX_EPOCH;
            let (model, usage) = ("m".to_owned(), TokenUsage::default());
            let summary = TurnSummary { model, usage, finish: Finish::Complete, at, exchange: None };
            let journal = Journal::ended(number.to_string(), None, None, &text, summary);
            registry.add(&journal);
            registry.move_to_ended(&journal);
        }
        if let Some(ended) = &registry.ended {
            ended.run_pending_tasks();
        }
        let found = (0..100).filter(|number: &i32| registry.find(&number.to_string()).is_some()).collect::<Vec<_>>();
        assert!((40..=64).contains(&found.len()), "{found:?}");
        assert!(found.contains(&99), "{found:?}");
    }
}

//! Turns that can be found by the ids of their requests: those that go on, and for a while those that have ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};

use super::journal::Journal;

/// Memory for turns that have ended, in bytes.
const ENDED: u64 = 64 << 20;

/// What a journal takes besides its text, about, in bytes.
const OVERHEAD: usize = 1024;

#[derive(Debug)]
pub(super) struct Registry {
    going_on: Mutex<GoingOn>,
    ended: Option<Cache<String, Arc<Journal>>>,
}

#[derive(Debug, Default)]
struct GoingOn {
    turns: HashMap<String, Arc<Journal>>,
    /// By the id of a turn, the further requests that it answers.
    others: HashMap<String, Vec<String>>,
}

impl Registry {
    /// Turns that have ended are found for `window`.
    pub(super) fn new(window: Duration) -> Self {
        let cache = || {
            let weight = |id: &String, journal: &Arc<Journal>| {
                u32::try_from(id.len() + OVERHEAD + journal.memory_size()).unwrap_or(u32::MAX)
            };
            // Hardly any is ever read, so that the latest must not have to prove itself against those before it.
            let oldest_first = EvictionPolicy::lru();
            Cache::builder()
                .max_capacity(ENDED)
                .time_to_live(window)
                .eviction_policy(oldest_first)
                .weigher(weight)
                .build()
        };
        Self { going_on: Mutex::default(), ended: (!window.is_zero()).then(cache) }
    }

    pub(super) fn add(&self, journal: &Arc<Journal>) {
        self.going_on().turns.insert(journal.request_id.clone(), Arc::clone(journal));
    }

    /// Lets a turn be found by the id of a further request that it answers, too.
    pub(super) fn add_other(&self, request_id: &str, journal: &Arc<Journal>) {
        let mut going_on = self.going_on();
        if going_on.turns.contains_key(&journal.request_id) {
            going_on.turns.insert(request_id.to_owned(), Arc::clone(journal));
            going_on.others.entry(journal.request_id.clone()).or_default().push(request_id.to_owned());
        } else {
            // Of an answer told again; its events tell its first id, which may have been forgotten.
            self.keep(request_id.to_owned(), journal);
            self.keep(journal.request_id.clone(), journal);
        }
    }

    /// The turn has ended.
    pub(super) fn retire(&self, journal: &Arc<Journal>) {
        let mut going_on = self.going_on();
        if going_on.turns.contains_key(&journal.request_id) {
            let others = going_on.others.remove(&journal.request_id).unwrap_or_default();
            for id in others.into_iter().chain([journal.request_id.clone()]) {
                going_on.turns.remove(&id);
                self.keep(id, journal);
            }
        }
    }

    /// Forgets a turn that was not begun.
    pub(super) fn forget(&self, journal: &Journal) {
        self.going_on().turns.remove(&journal.request_id);
    }

    pub(super) fn find(&self, request_id: &str) -> Option<Arc<Journal>> {
        let going_on = self.going_on().turns.get(request_id).cloned();
        going_on.or_else(|| self.ended.as_ref()?.get(request_id))
    }

    fn keep(&self, id: String, journal: &Arc<Journal>) {
        if let Some(ended) = &self.ended {
            ended.insert(id, Arc::clone(journal));
        }
    }

    fn going_on(&self) -> MutexGuard<'_, GoingOn> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{chat::Finish, cost::TokenUsage},
        services::turn::TurnSummary,
    };

    #[test]
    fn the_latest_turns_are_kept_when_there_is_no_room_for_all() {
        let registry = Registry::new(Duration::from_mins(1));
        let text = "x".repeat(1 << 20);
        for number in 0..100 {
            let at = Timestamp::UNIX_EPOCH;
            let (model, usage) = ("m".to_owned(), TokenUsage::default());
            let told = TurnSummary { model, usage, finish: Finish::Complete, at, exchange: None };
            let journal = Journal::ended(number.to_string(), None, None, &text, told);
            registry.add(&journal);
            registry.retire(&journal);
        }
        if let Some(ended) = &registry.ended {
            ended.run_pending_tasks();
        }
        let kept = (0..100).filter(|number: &i32| registry.find(&number.to_string()).is_some()).collect::<Vec<_>>();
        assert!((40..=64).contains(&kept.len()), "{kept:?}");
        assert!(kept.contains(&99), "{kept:?}");
    }
}

//! Turns that can be found by the ids of their requests: those that go on, and for a while those that have ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::sync::Cache;

use super::journal::Journal;

/// Memory for turns that have ended, in bytes.
const ENDED: u64 = 64 << 20;

/// What a journal takes besides its text, about, in bytes.
const OVERHEAD: usize = 1024;

#[derive(Debug)]
pub(super) struct Registry {
    going_on: Mutex<HashMap<String, Entry>>,
    ended: Option<Cache<String, Arc<Journal>>>,
}

#[derive(Debug)]
struct Entry {
    journal: Arc<Journal>,
    /// Further requests that were answered by this turn.
    others: Vec<String>,
}

impl Registry {
    /// Turns that have ended are found for `window`.
    pub(super) fn new(window: Duration) -> Self {
        let weight = |id: &String, journal: &Arc<Journal>| u32::try_from(id.len() + OVERHEAD + journal.len());
        let cache = || {
            let builder = Cache::builder().max_capacity(ENDED).time_to_live(window);
            builder.weigher(move |id, journal| weight(id, journal).unwrap_or(u32::MAX)).build()
        };
        Self { going_on: Mutex::default(), ended: (!window.is_zero()).then(cache) }
    }

    pub(super) fn add(&self, journal: &Arc<Journal>) {
        let entry = Entry { journal: Arc::clone(journal), others: Vec::new() };
        self.going_on().insert(journal.request_id.clone(), entry);
    }

    /// Lets a turn be found by the id of a further request that it answers.
    pub(super) fn add_other(&self, request_id: &str, journal: &Arc<Journal>) {
        let mut going_on = self.going_on();
        if let Some(first) = going_on.get_mut(&journal.request_id) {
            first.others.push(request_id.to_owned());
            let entry = Entry { journal: Arc::clone(journal), others: Vec::new() };
            going_on.insert(request_id.to_owned(), entry);
        } else {
            self.keep(request_id.to_owned(), journal);
        }
    }

    /// The turn has ended.
    pub(super) fn retire(&self, journal: &Arc<Journal>) {
        let mut going_on = self.going_on();
        let Some(entry) = going_on.remove(&journal.request_id) else { return };
        for id in entry.others {
            going_on.remove(&id);
            self.keep(id, journal);
        }
        self.keep(journal.request_id.clone(), journal);
    }

    /// Forgets a turn that never began.
    pub(super) fn forget(&self, journal: &Journal) {
        self.going_on().remove(&journal.request_id);
    }

    pub(super) fn find(&self, request_id: &str) -> Option<Arc<Journal>> {
        let going_on = self.going_on().get(request_id).map(|entry| Arc::clone(&entry.journal));
        going_on.or_else(|| self.ended.as_ref()?.get(request_id))
    }

    fn keep(&self, id: String, journal: &Arc<Journal>) {
        if let Some(ended) = &self.ended {
            ended.insert(id, Arc::clone(journal));
        }
    }

    fn going_on(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

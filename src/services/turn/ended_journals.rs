//! The journals of turns that have ended, kept for a while so that their streams can be read again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::journal::{Journal, JournalMemory};

/// Journals of ended turns by the ids of their requests, from the earliest to the latest.
#[derive(Debug)]
pub(super) struct EndedJournals {
    window: Duration,
    journals: HashMap<String, (Instant, Arc<Journal>)>,
    /// The id of each journal, and the time until which it is kept; an earlier time if it was added again.
    order: VecDeque<(Instant, String)>,
}

impl EndedJournals {
    /// Journals are kept for `window`.
    pub(super) fn new(window: Duration) -> Self {
        Self { window, journals: HashMap::new(), order: VecDeque::new() }
    }

    /// Adds a journal, and drops earlier ones while all journals together exceed their memory.
    pub(super) fn add(&mut self, id: String, journal: &Arc<Journal>, memory: &JournalMemory, now: Instant) {
        if self.window.is_zero() {
            return;
        }
        let end = now + self.window;
        if self.journals.insert(id.clone(), (end, Arc::clone(journal))).is_none() {
            self.order.push_back((end, id));
        }
        self.drop_expired(now);
        self.drop_excess(memory);
    }

    pub(super) fn get(&self, id: &str, now: Instant) -> Option<Arc<Journal>> {
        let (end, journal) = self.journals.get(id)?;
        (now < *end).then(|| Arc::clone(journal))
    }

    /// Returns the journals, each once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Journal>> {
        self.journals.iter().filter(|(id, (_, journal))| **id == journal.request_id).map(|(_, (_, journal))| journal)
    }

    /// Drops the journals for which this returns `true`. Returns whether there was any.
    pub(super) fn drop_if(&mut self, is_dropped: impl Fn(&Journal) -> bool) -> bool {
        let before = self.journals.len();
        self.journals.retain(|_, (_, journal)| !is_dropped(journal));
        self.journals.len() < before
    }

    pub(super) fn drop_expired(&mut self, now: Instant) {
        while let Some((_, id)) = self.order.pop_front_if(|(end, _)| *end <= now) {
            match self.journals.get(&id) {
                // It was added again.
                Some((end, _)) if *end > now => self.order.push_back((*end, id)),
                _ => drop(self.journals.remove(&id)),
            }
        }
    }

    /// Drops the earliest journals while all journals together exceed their memory. Those that are being read are kept.
    pub(super) fn drop_excess(&mut self, memory: &JournalMemory) {
        let mut being_read = Vec::new();
        while memory.excess() > 0
            && let Some(earliest) = self.order.pop_front()
        {
            if self.journals.get(&earliest.1).is_some_and(|(_, journal)| journal.has_readers()) {
                being_read.push(earliest);
            } else {
                self.journals.remove(&earliest.1);
            }
        }
        for entry in being_read.into_iter().rev() {
            self.order.push_front(entry);
        }
    }
}

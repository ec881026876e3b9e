//! The journals of turns by the ids of their requests: of running turns, and for a while of those that have ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    ended_journals::EndedJournals,
    journal::{Journal, JournalMemory},
    recent_erasures::RecentErasures,
    request::TurnRequest,
    text_scope::ErasedTexts,
};

/// Creates journals, and finds those of turns that can be resumed.
#[derive(Debug)]
pub(super) struct Registry {
    /// The time for which a turn that can be resumed goes on without a reader.
    grace: Duration,
    running: Mutex<Running>,
    ended: Mutex<EndedJournals>,
    erasures: RecentErasures,
    memory: Arc<JournalMemory>,
}

#[derive(Debug, Default)]
struct Running {
    journals: HashMap<String, Arc<Journal>>,
    /// The ids of further requests for a running turn, by the id of the request that started it.
    aliases: HashMap<String, Vec<String>>,
}

impl Running {
    fn remove(&mut self, journal: &Journal) {
        let aliases = self.aliases.remove(&journal.request_id).unwrap_or_default();
        for id in aliases.iter().chain([&journal.request_id]) {
            self.journals.remove(id);
        }
    }
}

impl Registry {
    /// Turns that can be resumed go on for `grace` without a reader, and are found for `window` after their end. All
    /// journals together have `memory` bytes.
    pub(super) fn new(grace: Duration, window: Duration, memory: usize) -> Self {
        let (ended, memory) = (Mutex::new(EndedJournals::new(window)), Arc::new(JournalMemory::new(memory)));
        Self { grace, running: Mutex::default(), ended, erasures: RecentErasures::new(), memory }
    }

    /// Returns the memory of all journals.
    pub(super) fn memory(&self) -> &Arc<JournalMemory> {
        &self.memory
    }

    /// Creates a journal. It is found by its request's id if the turn can be resumed.
    pub(super) fn open(&self, request: &TurnRequest, model: &str, can_resume: bool) -> Arc<Journal> {
        let grace = if can_resume { self.grace } else { Duration::ZERO };
        let (id, scope) = (request.request_id.clone(), request.text_scope());
        let journal = Journal::new(id, scope, model.to_owned(), grace, Arc::clone(&self.memory));
        if can_resume {
            self.add(&journal);
        }
        journal
    }

    fn add(&self, journal: &Arc<Journal>) {
        self.running().journals.insert(journal.request_id.clone(), Arc::clone(journal));
    }

    /// Replaces the journal of a request by that of the earlier turn which it repeats, so that `find` returns this for both
    /// ids.
    pub(super) fn replace(&self, journal: &Journal, earlier: &Arc<Journal>) {
        let mut running = self.running();
        running.remove(journal);
        let request_id = &journal.request_id;
        if running.journals.contains_key(&earlier.request_id) {
            running.journals.insert(request_id.clone(), Arc::clone(earlier));
            running.aliases.entry(earlier.request_id.clone()).or_default().push(request_id.clone());
        } else if !journal.erasure.is_erased() && !self.is_erased(earlier) {
            // The journal of a stored answer. It was not found by an erasure while the answer was read, but `journal` was.
            // Its events name the first id, which may not be found any more.
            self.add_ended(request_id.clone(), earlier);
            self.add_ended(earlier.request_id.clone(), earlier);
        }
    }

    /// Notes the key that seals the texts of a turn. The key may have been erased after it was read.
    pub(super) fn note_key(&self, journal: &Journal, id: &str) {
        // No erasure comes in between.
        let _running = self.running();
        journal.erasure.note_key(id);
        if self.is_erased(journal) {
            journal.erasure.mark();
        }
    }

    fn is_erased(&self, journal: &Journal) -> bool {
        let has_erased_key = |id| self.erasures.contain(&journal.scope, id);
        journal.erasure.is_erased() || journal.erasure.content_key().is_some_and(has_erased_key)
    }

    /// Moves a journal from those of running turns to those of ended turns.
    pub(super) fn move_to_ended(&self, journal: &Arc<Journal>) {
        let mut running = self.running();
        if running.journals.contains_key(&journal.request_id) {
            let aliases = running.aliases.remove(&journal.request_id).unwrap_or_default();
            for id in aliases.into_iter().chain([journal.request_id.clone()]) {
                running.journals.remove(&id);
                if !journal.erasure.is_erased() {
                    self.add_ended(id, journal);
                }
            }
        }
    }

    /// Removes the journal of a turn that was not begun.
    pub(super) fn remove(&self, journal: &Journal) {
        self.running().remove(journal);
    }

    /// Returns the journal of the turn that this request started or joined.
    pub(super) fn find(&self, request_id: &str) -> Option<Arc<Journal>> {
        let running = self.running().journals.get(request_id).cloned();
        running.or_else(|| self.ended().get(request_id, Instant::now()))
    }

    /// Returns the journals of turns that run, and of those that can be read after their end, each once.
    pub(super) fn journals(&self) -> Vec<Arc<Journal>> {
        let mut journals = Vec::new();
        let running = self.running();
        // Further ids of a turn have the same journal.
        journals.extend(running.journals.iter().filter(|(id, it)| **id == it.request_id).map(|(_, it)| Arc::clone(it)));
        drop(running);
        journals.extend(self.ended().all().cloned());
        journals
    }

    /// Drops the journals of ended turns whose texts were erased. Those of running turns are dropped at their end. Returns
    /// whether there was any that had not been erased before.
    pub(super) fn erase(&self, erased: ErasedTexts<'_>) -> bool {
        let running = self.running();
        self.erasures.add(erased);
        let runs = running.journals.values().filter(|journal| journal.note_erased(erased)).count() > 0;
        let has_ended = self.ended().drop_if(|journal| {
            journal.note_erased(erased);
            // Further ids of a turn have the same journal.
            journal.erasure.is_erased()
        });
        runs || has_ended
    }

    /// Drops journals of ended turns that are too old, and while memory is short.
    pub(super) fn drop_ended(&self) {
        let mut ended = self.ended();
        ended.drop_expired(Instant::now());
        ended.drop_excess(&self.memory);
    }

    fn add_ended(&self, id: String, journal: &Arc<Journal>) {
        self.ended().add(id, journal, &self.memory, Instant::now());
    }

    fn ended(&self) -> MutexGuard<'_, EndedJournals> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
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
        domain::{account::OwnerId, chat::Finish, cost::TokenUsage, session::SessionId},
        services::turn::{summary::TurnSummary, text_scope::TextScope},
    };

    /// Returns the journal of a turn that was answered.
    fn ended_journal(registry: &Registry, id: &str, scope: TextScope, text: &str) -> Arc<Journal> {
        let (model, usage, at) = ("m".to_owned(), TokenUsage::default(), Timestamp::UNIX_EPOCH);
        let summary = TurnSummary {
            model,
            usage,
            finish: Finish::Complete,
            at,
            notice: None,
            sources: Vec::new(),
            exchange: None,
        };
        Journal::ended(id.to_owned(), scope, text, summary, Arc::clone(registry.memory()))
    }

    fn scope(session: &str, owner: i64) -> TextScope {
        TextScope { session: SessionId::parse(session).ok(), owner: Some(OwnerId(owner)), ..TextScope::default() }
    }

    /// Erases the texts of a session or a key.
    fn erase(registry: &Registry, id: &str, owner: Option<i64>) {
        registry.erase(ErasedTexts::Session { id: &SessionId::parse(id).unwrap(), owner: owner.map(OwnerId) });
    }

    #[test]
    fn a_turn_whose_key_is_erased_before_it_is_noted_is_not_found_after_its_end() {
        let is_found = |key: &str, erased: &str, owner: Option<i64>| {
            let registry = Registry::new(Duration::ZERO, Duration::from_mins(1), 64 << 20);
            let journal = ended_journal(&registry, "turn", scope("s", 1), "text");
            registry.add(&journal);
            erase(&registry, erased, owner);
            registry.note_key(&journal, key);
            registry.move_to_ended(&journal);
            registry.find("turn").is_some()
        };
        assert!(!is_found("key", "key", None));
        assert!(!is_found("key", "key", Some(1)));
        assert!(!is_found("key", "s", None));
        assert!(!is_found("key", "s", Some(1)));
        assert!(is_found("key", "key", Some(2)), "erased by another account");
        assert!(is_found("key", "s", Some(2)), "erased by another account");
        assert!(is_found("key", "other", None));
    }

    #[test]
    fn an_answer_that_is_erased_while_it_is_read_for_a_repetition_is_not_found() {
        let is_found = |erased: &str| {
            let registry = Registry::new(Duration::ZERO, Duration::from_mins(1), 64 << 20);
            let repetition = ended_journal(&registry, "second", scope("s", 1), "");
            registry.add(&repetition);
            let earlier = ended_journal(&registry, "first", scope("s", 1), "text");
            earlier.erasure.note_key("key");
            erase(&registry, erased, None);
            registry.replace(&repetition, &earlier);
            let found = ["first", "second"].map(|id| registry.find(id).is_some());
            assert_eq!(found[0], found[1]);
            found[0]
        };
        assert!(!is_found("s") && !is_found("key"));
        assert!(is_found("other"));
    }

    #[test]
    fn the_latest_turns_are_found_when_memory_is_short() {
        let registry = Registry::new(Duration::ZERO, Duration::from_mins(1), 64 << 20);
        let text = "x".repeat(1 << 20);
        for number in 0..100 {
            let journal = ended_journal(&registry, &number.to_string(), TextScope::default(), &text);
            registry.add(&journal);
            registry.move_to_ended(&journal);
        }
        let found = (0..100).filter(|number: &i32| registry.find(&number.to_string()).is_some()).collect::<Vec<_>>();
        assert!((40..=64).contains(&found.len()), "{found:?}");
        assert!(found.is_sorted() && found.last() == Some(&99), "{found:?}");
        assert!(registry.ended().get("99", Instant::now() + Duration::from_mins(2)).is_none(), "it is too old");
    }
}

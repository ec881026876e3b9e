//! The records that were read ahead from the database, in the order in which they may be posted.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    time::Duration,
};

use backon::ExponentialBackoff;
use tokio::time::Instant;

use super::pace::{MAX_PAUSE, pauses};
use crate::adapters::storage::OutboxRecord;

/// The largest number of records in memory, about half a megabyte.
const READ_AHEAD: usize = 1024;

/// The largest number of records in memory that wait for another try. Further ones would hold up all others.
const MAX_FAILED: usize = 4096;

/// The largest number of records in memory that wait for an earlier one of their session, so that a busy session does not
/// take the room of all others.
const MAX_WAITING: usize = 32;

/// The number of records that are read at once to find those of a few sessions.
const REREAD_AT_ONCE: usize = 128;

/// A record that was read from the database.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: OutboxRecord,
    session: Option<String>,
    /// Set when the record has failed.
    retry: Option<Box<Retry>>,
}

/// The failures of one record.
#[derive(Debug)]
struct Retry {
    pauses: ExponentialBackoff,
    refusals: u32,
    /// The number of accepted records at the time of the last refusal.
    accepted: u64,
}

impl Entry {
    /// Creates the entry of a record that belongs to this session.
    pub(super) fn new(record: OutboxRecord, session: Option<String>) -> Self {
        Self { record, session, retry: None }
    }

    fn retry(&mut self) -> &mut Retry {
        self.retry.get_or_insert_with(|| Box::new(Retry { pauses: pauses(), refusals: 0, accepted: 0 }))
    }

    /// Returns the pause before the next attempt.
    pub(super) fn next_pause(&mut self) -> Duration {
        self.retry().pauses.next().unwrap_or(MAX_PAUSE)
    }

    /// Notes that the receiver refuses the record, and returns the number of refusals. Those between which no other record
    /// was accepted count once, because it may refuse all records by mistake. `accepted` is the number of accepted ones.
    pub(super) fn note_refusal(&mut self, accepted: u64) -> u32 {
        let retry = self.retry();
        if retry.refusals == 0 || accepted > retry.accepted {
            retry.refusals += 1;
            retry.accepted = accepted;
        }
        retry.refusals
    }
}

/// A session with a record that is being posted or is to be posted again. Its later records wait.
#[derive(Debug, Default)]
struct Session {
    waiting: VecDeque<Entry>,
    /// Whether its record has failed. Then its later records are left in the database.
    is_failing: bool,
    /// Whether records of this session were left in the database.
    is_incomplete: bool,
}

/// A second reading of records, to find those that were left in the database.
#[derive(Debug)]
struct Rereading {
    /// The number of the last record that was read before.
    until: i64,
    /// The sessions whose records are missing.
    sessions: HashSet<String>,
}

/// The records that were read ahead.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// The number of the last record that was read.
    read_until: i64,
    rereading: Option<Rereading>,
    /// The numbers of the records in memory, including those that are being posted or removed.
    held: HashSet<i64>,
    ready: VecDeque<Entry>,
    sessions: HashMap<String, Session>,
    /// The records that wait for another attempt, by its time.
    failed: BTreeMap<(Instant, i64), Entry>,
}

impl Backlog {
    /// Returns the number after which the next records must be read.
    pub(super) fn read_until(&self) -> i64 {
        self.read_until
    }

    /// Returns the number of records that may be read now.
    pub(super) fn room(&self) -> usize {
        if self.failed.len() >= MAX_FAILED {
            return 0;
        }
        let room = READ_AHEAD.saturating_sub(self.held.len().saturating_sub(self.failed.len()));
        if self.rereading.is_some() { room.min(REREAD_AT_ONCE) } else { room }
    }

    /// Whether a record can be posted now.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        !self.ready.is_empty() || self.next_retry().is_some_and(|at| at <= now)
    }

    /// Returns the time of the next attempt of a record that has failed.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.failed.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether records that were left in the database are missing now.
    pub(super) fn is_rereading(&self) -> bool {
        self.rereading.is_some()
    }

    /// Adds records in the order of the database, which were read after the number `after`. Those that are in memory are
    /// left out. `is_end`: there are no more.
    ///
    /// If a second reading has begun meanwhile, nothing is added: it comes to these records after the earlier ones that it
    /// is to find.
    pub(super) fn add(&mut self, after: i64, entries: Vec<Entry>, is_end: bool) {
        if after != self.read_until {
            return;
        }
        for entry in entries {
            self.read_until = entry.record.id;
            if !self.held.contains(&entry.record.id) {
                self.add_one(entry);
            }
        }
        if let Some(Rereading { until, sessions }) = &self.rereading
            && (is_end || sessions.is_empty() || self.read_until >= *until)
        {
            self.read_until = self.read_until.max(*until);
            self.rereading = None;
        }
    }

    fn add_one(&mut self, entry: Entry) {
        let id = entry.record.id;
        let Some(session) = &entry.session else { return self.hold_ready(entry) };
        match self.sessions.get_mut(session) {
            None => {
                self.sessions.insert(session.clone(), Session::default());
                self.hold_ready(entry);
            }
            Some(state) if state.is_incomplete || state.is_failing || state.waiting.len() >= MAX_WAITING => {
                state.is_incomplete = true;
                if let Some(rereading) = &mut self.rereading {
                    rereading.sessions.remove(session);
                }
            }
            Some(state) => {
                self.held.insert(id);
                state.waiting.push_back(entry);
            }
        }
    }

    fn hold_ready(&mut self, entry: Entry) {
        self.held.insert(entry.record.id);
        self.ready.push_back(entry);
    }

    /// Takes the next record to be posted. `new_first`: not one that has failed before, if there are others.
    pub(super) fn take(&mut self, now: Instant, new_first: bool) -> Option<Entry> {
        if new_first && let Some(entry) = self.ready.pop_front() {
            return Some(entry);
        }
        match self.failed.first_entry() {
            Some(first) if first.key().0 <= now => Some(first.remove()),
            _ => self.ready.pop_front(),
        }
    }

    /// Ends a record that was taken: the next one of its session can be posted. Until [`Self::forget`] it stays known.
    pub(super) fn finish(&mut self, entry: &Entry) {
        let Some(name) = &entry.session else { return };
        let Some(session) = self.sessions.get_mut(name) else { return };
        session.is_failing = false;
        if let Some(next) = session.waiting.pop_front() {
            self.ready.push_back(next);
            return;
        }
        if session.is_incomplete {
            self.reread(name, entry.record.id);
        }
        self.sessions.remove(name);
    }

    /// Reads the records after this one again, as far as they are those of the session.
    fn reread(&mut self, session: &str, after: i64) {
        let new = || Rereading { until: self.read_until, sessions: HashSet::new() };
        self.rereading.get_or_insert_with(new).sessions.insert(session.to_owned());
        self.read_until = self.read_until.min(after);
    }

    /// Puts a record back that was taken and has failed, for another attempt at this time. Later records of its session are
    /// left in the database until then, so that they take no room.
    pub(super) fn put_back(&mut self, entry: Entry, at: Instant) {
        if !self.held.contains(&entry.record.id) {
            // All records were forgotten while it was posted, because another replica posts them now.
            return;
        }
        if let Some(session) = entry.session.as_ref().and_then(|session| self.sessions.get_mut(session)) {
            session.is_failing = true;
            session.is_incomplete |= !session.waiting.is_empty();
            for waiting in session.waiting.drain(..) {
                self.held.remove(&waiting.record.id);
            }
        }
        self.failed.insert((at, entry.record.id), entry);
    }

    /// Makes records that have failed ready for another attempt now.
    pub(super) fn retry_all(&mut self) {
        self.ready.extend(std::mem::take(&mut self.failed).into_values());
    }

    /// Forgets records that have been removed from the database.
    pub(super) fn forget(&mut self, ids: &[i64]) {
        for id in ids {
            self.held.remove(id);
        }
    }

    /// Reads all records of the database again from the next time on: another replica may have added some with lower
    /// numbers.
    pub(super) fn read_again(&mut self) {
        (self.read_until, self.rereading) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database, from which records are read and removed: their sessions by their numbers.
    #[derive(Default)]
    struct Database(BTreeMap<i64, Option<String>>);

    fn entry(id: i64, session: Option<&str>) -> Entry {
        let (key, body, expires_at) = (id.to_string(), String::new(), None);
        Entry::new(OutboxRecord { id, key, body, expires_at }, session.map(str::to_owned))
    }

    impl Database {
        fn of(sessions: &[Option<&str>]) -> Self {
            Self((1..).zip(sessions).map(|(id, session)| (id, session.map(str::to_owned))).collect())
        }

        fn read(&self, backlog: &mut Backlog) {
            let records = self.0.range(backlog.read_until() + 1..).map(|(id, session)| entry(*id, session.as_deref()));
            let entries = records.take(backlog.room()).collect::<Vec<_>>();
            let is_end = entries.len() < backlog.room();
            backlog.add(backlog.read_until(), entries, is_end);
        }

        fn deliver(&mut self, backlog: &mut Backlog, entry: &Entry) {
            backlog.finish(entry);
            self.0.remove(&entry.record.id);
            backlog.forget(&[entry.record.id]);
        }
    }

    fn take(backlog: &mut Backlog, now: Instant) -> Vec<Entry> {
        std::iter::from_fn(|| backlog.take(now, false)).collect()
    }

    fn ids(entries: &[Entry]) -> Vec<i64> {
        entries.iter().map(|entry| entry.record.id).collect()
    }

    #[test]
    fn one_record_of_each_session_is_posted_at_a_time() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        let mut database = Database::of(&[Some("a"), Some("a"), None, Some("b"), None, Some("a")]);
        database.read(&mut backlog);
        let first = take(&mut backlog, now);
        assert_eq!(ids(&first), [1, 3, 4, 5]);
        database.deliver(&mut backlog, &first[2]);
        assert!(take(&mut backlog, now).is_empty());
        database.deliver(&mut backlog, &first[0]);
        let second = take(&mut backlog, now);
        assert_eq!(ids(&second), [2]);
        database.deliver(&mut backlog, &second[0]);
        assert_eq!(ids(&take(&mut backlog, now)), [6]);
    }

    #[test]
    fn a_failing_record_holds_up_its_session_only() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        let mut sessions = vec![Some("a"); 3000];
        sessions.push(Some("b"));
        let mut database = Database::of(&sessions);
        database.read(&mut backlog);
        let failing = backlog.take(now, false).expect("a record");
        let later = now + Duration::from_secs(1);
        backlog.put_back(failing, later);
        (0..10).for_each(|_| database.read(&mut backlog));
        let taken = take(&mut backlog, now);
        assert_eq!(ids(&taken), [3001], "the other session");
        assert_eq!(backlog.next_retry(), Some(later));
        let mut delivered = Vec::new();
        for _ in 0..10_000 {
            for entry in take(&mut backlog, later) {
                delivered.push(entry.record.id);
                database.deliver(&mut backlog, &entry);
            }
            database.read(&mut backlog);
        }
        assert_eq!(delivered, (1..=3000).collect::<Vec<_>>());
    }

    #[test]
    fn a_busy_session_leaves_room_for_others() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        let mut sessions = vec![Some("a"); 5000];
        sessions.push(None);
        let mut database = Database::of(&sessions);
        (0..10).for_each(|_| database.read(&mut backlog));
        let mut running = take(&mut backlog, now);
        assert_eq!(ids(&running), [1, 5001]);
        let mut delivered = Vec::new();
        while let Some(entry) = running.pop() {
            delivered.push(entry.record.id);
            database.deliver(&mut backlog, &entry);
            database.read(&mut backlog);
            running.extend(take(&mut backlog, now));
        }
        assert!(delivered.iter().filter(|id| **id != 5001).eq((1..=5000).collect::<Vec<_>>().iter()));
    }

    #[test]
    fn records_left_out_are_read_again_after_a_slow_reading() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        let mut database = Database::of(&[Some("a"), Some("a"), Some("a")]);
        database.read(&mut backlog);
        let failing = backlog.take(now, false).expect("a record");
        backlog.put_back(failing, now);
        // The record is delivered while the next ones are being read.
        database.0.insert(4, Some("b".to_owned()));
        let (after, entries) = (backlog.read_until(), vec![entry(4, Some("b"))]);
        let delivered = backlog.take(now, false).expect("a record");
        database.deliver(&mut backlog, &delivered);
        backlog.add(after, entries, true);
        let mut ids = Vec::new();
        for _ in 0..10 {
            database.read(&mut backlog);
            for entry in take(&mut backlog, now) {
                ids.push(entry.record.id);
                database.deliver(&mut backlog, &entry);
            }
        }
        ids.sort_unstable();
        assert_eq!(ids, [2, 3, 4]);
        assert!(!backlog.is_rereading());
    }

    #[test]
    fn a_record_is_not_taken_twice_when_all_are_read_again() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        let database = Database::of(&[None, Some("a"), Some("a")]);
        database.read(&mut backlog);
        let taken = take(&mut backlog, now);
        backlog.read_again();
        database.read(&mut backlog);
        assert!(take(&mut backlog, now).is_empty());
        backlog.finish(&taken[0]);
        backlog.read_again();
        database.read(&mut backlog);
        assert!(take(&mut backlog, now).is_empty(), "it is not removed yet");
    }

    #[test]
    fn refusals_count_if_others_were_accepted_meanwhile() {
        let mut entry = entry(1, None);
        assert_eq!([0, 0, 0, 1, 1, 5].map(|accepted| entry.note_refusal(accepted)), [1, 1, 1, 2, 2, 3]);
    }
}

//! Sessions: started, stopped, open ones and the longest.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    counts::{Counts, shortened},
    distinct::hash,
    fields::Fields,
};

/// The most open sessions that are known by name; further ones are counted.
const MAX_OPEN: usize = 100_000;

/// The number of sessions that are named as the longest, and as open.
pub(super) const MAX_NAMED: usize = 10;

/// The sessions of a log.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) started: u64,
    /// By what has closed them.
    pub(super) stopped: Counts,
    /// Sessions with a start and no stop so far, by the hash of their id.
    open: HashMap<u64, OpenSession>,
    /// The number of sessions that were started beyond [`MAX_OPEN`] and are not known to have stopped.
    unnamed_open: u64,
    /// The hashes of sessions that have stopped in this part of the log and started before it.
    stopped_only: Vec<u64>,
    /// The longest first.
    longest: Vec<LongSession>,
}

/// A session without a stop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OpenSession {
    /// The time of its start, as it is in the log.
    pub since: String,
    /// The id of the session.
    pub session_id: String,
}

/// A session that lasted long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LongSession {
    /// The id of the session.
    pub session_id: String,
    /// Its duration in seconds.
    pub duration_seconds: f64,
    /// The number of its turns.
    pub turns: Option<u64>,
    /// The cost of its turns in US dollars.
    pub cost_usd: Option<f64>,
}

impl Sessions {
    pub(super) fn start(&mut self, fields: &Fields<'_>) {
        self.started += 1;
        let (Some(id), Some(since)) = (fields.session_id.as_deref(), fields.timestamp.as_deref()) else { return };
        let session = OpenSession { since: shortened(since).to_owned(), session_id: shortened(id).to_owned() };
        self.open(hash(id), session);
    }

    fn open(&mut self, hash: u64, session: OpenSession) {
        if self.open.len() < MAX_OPEN {
            self.open.insert(hash, session);
        } else {
            self.unnamed_open += 1;
        }
    }

    pub(super) fn stop(&mut self, fields: &Fields<'_>) {
        self.stopped.add(fields.closed_by.as_deref().unwrap_or("client"), 1);
        let Some(id) = fields.session_id.as_deref() else { return };
        let hash = hash(id);
        if self.open.remove(&hash).is_none() {
            self.stopped_only.push(hash);
        }
        if let Some(duration_seconds) = fields.duration_seconds {
            let counted = fields.server_metrics.unwrap_or_default();
            let session_id = shortened(id).to_owned();
            let (turns, cost_usd) = (counted.turns, counted.cost_usd);
            self.add_long(LongSession { session_id, duration_seconds, turns, cost_usd });
        }
    }

    fn add_long(&mut self, session: LongSession) {
        let duration = session.duration_seconds;
        let place = self.longest.partition_point(|other| other.duration_seconds >= duration);
        if place < MAX_NAMED {
            self.longest.insert(place, session);
            self.longest.truncate(MAX_NAMED);
        }
    }

    /// Appends the sessions of the part of the log that follows.
    pub(super) fn append(&mut self, next: Self) {
        self.started += next.started;
        self.stopped.append(next.stopped);
        for hash in next.stopped_only {
            let is_known = self.open.remove(&hash).is_some();
            self.unnamed_open = self.unnamed_open.saturating_sub(u64::from(!is_known));
        }
        next.open.into_iter().for_each(|(hash, session)| self.open(hash, session));
        self.unnamed_open += next.unnamed_open;
        next.longest.into_iter().for_each(|session| self.add_long(session));
    }

    /// Returns the number of sessions that have started and not stopped.
    pub(super) fn open_count(&self) -> u64 {
        self.open.len() as u64 + self.unnamed_open
    }

    /// Returns the sessions that have been open for the longest time.
    pub(super) fn longest_open(&self) -> Vec<OpenSession> {
        let mut open = self.open.values().cloned().collect::<Vec<_>>();
        open.sort();
        open.truncate(MAX_NAMED);
        open
    }

    pub(super) fn longest(&self) -> &[LongSession] {
        &self.longest
    }
}

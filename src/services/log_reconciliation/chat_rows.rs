//! The rows of turns in stored chats, read along with the lines of the log.
//!
//! Ids of requests are ordered by time, and so are lines, nearly. So the rows up to the latest id of a line are read, page by page,
//! and each line takes its own. What remains in memory are the rows of turns that still run at that place of the log, and those
//! that have no line at all.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::adapters::storage::{MessagePage, SnapshotRows, TurnRow, first_id};

/// The number of turns without a line up to which their rows stay in memory.
const MAX_WAITING: usize = 20_000;

/// The rows of turns in stored chats.
pub(super) struct ChatRows<'a> {
    rows: &'a SnapshotRows,
    /// The ids between which all rows were read. `None` before the begin of the log is known.
    read: Option<(String, String)>,
    /// Whether no rows follow those that were read.
    is_at_end: bool,
    /// The rows that no line has taken yet, by the ids of their requests.
    waiting: BTreeMap<String, Vec<TurnRow>>,
    /// The number of answers that were dropped from `waiting`, and that no line has taken since.
    forgotten: u64,
    /// The first and the last id of dropped rows.
    forgotten_ids: Option<(String, String)>,
    /// The ids of turns from before those that were read, whose rows lines have taken.
    taken_before: HashSet<String>,
}

impl<'a> ChatRows<'a> {
    pub(super) fn new(rows: &'a SnapshotRows) -> Self {
        Self {
            rows,
            read: None,
            is_at_end: false,
            waiting: BTreeMap::new(),
            forgotten: 0,
            forgotten_ids: None,
            taken_before: HashSet::new(),
        }
    }

    /// Notes the time of the first line of the log, as far as the log was read: rows from then on are expected to have a line.
    pub(super) fn begin_at(&mut self, begin: Timestamp) {
        let begin = first_id(begin);
        let Some((first, last)) = self.read.take() else {
            self.read = Some((begin.clone(), begin));
            return;
        };
        if begin < first {
            // A file of earlier lines came after one of later lines.
            let mut after = begin.clone();
            while let Some(end) = self.add(self.rows.messages(&after, Some(&first))) {
                after = end;
            }
        }
        self.read = Some((begin.min(first), last));
    }

    /// Returns the rows of the turn whose line is read. To be called once for each turn.
    pub(super) fn take(&mut self, request_id: &str) -> Vec<TurnRow> {
        if self.read.as_ref().is_none_or(|(first, _)| request_id < first.as_str()) {
            // The turn began before the first line.
            let rows = self.rows.messages_of(request_id);
            if !rows.is_empty() {
                self.taken_before.insert(request_id.to_owned());
            }
            return rows;
        }
        if let Some((first, last)) = self.read.take_if(|(_, last)| request_id > last.as_str()) {
            self.read = Some((first, self.read_on(last, Some(request_id))));
        }
        if let Some(rows) = self.waiting.remove(request_id) {
            return rows;
        }
        let is_forgotten = |(first, last): &(String, String)| (first.as_str()..=last.as_str()).contains(&request_id);
        if !self.forgotten_ids.as_ref().is_some_and(is_forgotten) {
            return Vec::new();
        }
        let rows = self.rows.messages_of(request_id);
        self.forgotten = self.forgotten.saturating_sub(answers(&rows));
        rows
    }

    /// Reads the rows after an id, up to another one or to the end. Returns the last id that was read.
    fn read_on(&mut self, mut last: String, to: Option<&str>) -> String {
        while !self.is_at_end && to.is_none_or(|to| last.as_str() < to) {
            match self.add(self.rows.messages(&last, None)) {
                Some(end) => last = end,
                None => self.is_at_end = true,
            }
        }
        last
    }

    /// Adds a page. Returns its last id if further rows follow.
    fn add(&mut self, page: MessagePage) -> Option<String> {
        let end = page.turns.last().map(|turn| turn.request_id.clone()).filter(|_| page.has_more);
        for turn in page.turns {
            if !self.taken_before.contains(&turn.request_id) {
                self.waiting.entry(turn.request_id).or_default().push(turn.row);
            }
        }
        if self.waiting.len() > MAX_WAITING {
            self.forget();
        }
        end
    }

    fn forget(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.forgotten += waiting.values().map(|rows| answers(rows)).sum::<u64>();
        let ids = waiting.first_key_value().zip(waiting.last_key_value());
        let Some((first, last)) = ids.map(|((first, _), (last, _))| (first.clone(), last.clone())) else { return };
        self.forgotten_ids = Some(match self.forgotten_ids.take() {
            Some((earlier, later)) => (first.min(earlier), last.max(later)),
            None => (first, last),
        });
    }

    /// Reads the remaining rows. Returns those of turns without a line, and the number of further answers without a line.
    pub(super) fn finish(mut self) -> (BTreeMap<String, Vec<TurnRow>>, u64) {
        if let Some((_, last)) = self.read.take() {
            self.read_on(last, None);
        }
        (self.waiting, self.forgotten)
    }
}

/// Returns the number of answers among the rows.
fn answers(rows: &[TurnRow]) -> u64 {
    rows.iter().filter(|row| matches!(row, TurnRow::Message(_))).count() as u64
}

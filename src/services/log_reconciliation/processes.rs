//! The processes whose lines are in the files, and which of them have written the log that is compared.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{period::WholeDays, scan::Run};
use crate::{adapters::storage::LogSnapshot, domain::log_position::LogPosition};

/// The first line of a log, with its time as it is written.
pub(super) type Begin = (LogPosition, String);

/// The processes whose lines are in the files.
#[derive(Debug, Default)]
pub(super) struct Processes(BTreeMap<Uuid, Process>);

/// The lines of one process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// The number of the first line, and its time as it is written.
    first: Option<(u64, String)>,
    /// The process that wrote to the folder before.
    previous: Option<Uuid>,
    /// The lines of each day.
    days: BTreeMap<String, DayLines>,
    /// The lines that the database has not counted.
    pub(super) uncounted: Option<Uncounted>,
}

/// The lines of a process of one day.
#[derive(Clone, Copy, Debug, Default)]
struct DayLines {
    first_seq: u64,
    last_seq: u64,
    turns: u64,
}

/// Lines of a process that the database has not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uncounted {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// The number of turns among them.
    pub(super) turns: u64,
}

impl Processes {
    /// Adds lines of a process.
    pub(super) fn add_run(&mut self, run: Run) {
        let Process { first, days, .. } = self.0.entry(run.instance).or_default();
        if first.as_ref().is_none_or(|(seq, _)| run.first_seq < *seq) {
            *first = Some((run.first_seq, run.begin));
        }
        let empty = DayLines { first_seq: run.first_seq, last_seq: run.last_seq, turns: 0 };
        let day = days.entry(run.day).or_insert(empty);
        day.first_seq = day.first_seq.min(run.first_seq);
        day.last_seq = day.last_seq.max(run.last_seq);
    }

    /// Returns the process with this id, to which nothing was added if it is new.
    pub(super) fn of(&mut self, instance: Uuid) -> &mut Process {
        self.0.entry(instance).or_default()
    }

    /// Returns the last date before lines of one of the processes `own`, which have run one after the other, and the first date
    /// after these lines, as far as both are known.
    pub(super) fn dates_around(
        &self,
        own: &BTreeSet<Uuid>,
        instance: Uuid,
        first: u64,
        last: u64,
    ) -> (Option<&str>, Option<&str>) {
        let days = || self.0.get(&instance).into_iter().flat_map(|process| &process.days);
        let before = days().filter(|(_, lines)| lines.first_seq < first).map(|(day, _)| day.as_str()).max();
        let after = days().filter(|(_, lines)| lines.last_seq > last).map(|(day, _)| day.as_str()).min();
        let others = || own.range(..instance).rev().filter_map(|own| self.0.get(own));
        let before =
            before.or_else(|| others().find_map(|process| process.days.keys().next_back()).map(String::as_str));
        let mut later = own.range(instance..).filter(|own| **own != instance).filter_map(|own| self.0.get(own));
        let after = after.or_else(|| later.find_map(|process| process.days.keys().next()).map(String::as_str));
        (before, after)
    }

    /// Returns all processes by their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Uuid, &Process)> {
        self.0.iter().map(|(instance, process)| (*instance, process))
    }

    /// Returns the processes that have written the log: those that the database knows of it, and those that are linked with
    /// these by starts, each of which names the process before.
    pub(super) fn of_log(&self, snapshot: &LogSnapshot) -> BTreeSet<Uuid> {
        let known = snapshot.counted.instances().map(|count| count.instance);
        let known = known.chain(snapshot.totals.iter().map(|total| total.instance)).chain(snapshot.since);
        let mut neighbours = BTreeMap::<Uuid, Vec<Uuid>>::new();
        for (instance, process) in self.iter() {
            if let Some(previous) = process.previous {
                neighbours.entry(instance).or_default().push(previous);
                neighbours.entry(previous).or_default().push(instance);
            }
        }
        let (mut found, mut open) = (BTreeSet::new(), known.collect::<Vec<_>>());
        while let Some(instance) = open.pop() {
            if found.insert(instance) {
                open.extend(neighbours.remove(&instance).into_iter().flatten());
            }
        }
        found
    }

    /// Returns the first line of these processes.
    pub(super) fn begin(&self, of: &BTreeSet<Uuid>) -> Option<Begin> {
        let mut firsts = self.iter().filter(|(instance, _)| of.contains(instance));
        firsts.find_map(|(instance, process)| {
            let (seq, time) = process.first.clone()?;
            Some((LogPosition { instance, seq }, time))
        })
    }
}

impl Process {
    /// Adds the start, which names the process before.
    pub(super) fn add_start_after(&mut self, previous: Uuid) {
        self.previous = Some(previous);
    }

    /// Adds the line of a turn. Its run was added before.
    pub(super) fn add_turn(&mut self, day: &str) {
        if let Some(day) = self.days.get_mut(day) {
            day.turns += 1;
        }
    }

    /// Returns the number of turns on these days.
    pub(super) fn turns_on(&self, days: &WholeDays) -> u64 {
        self.days.iter().filter(|(day, _)| days.contains(day)).map(|(_, lines)| lines.turns).sum()
    }

    /// Adds a line that the database has not counted.
    pub(super) fn add_uncounted(&mut self, seq: u64, is_turn: bool) {
        let uncounted = self.uncounted.get_or_insert(Uncounted { first_seq: seq, last_seq: seq, turns: 0 });
        uncounted.first_seq = uncounted.first_seq.min(seq);
        uncounted.last_seq = uncounted.last_seq.max(seq);
        uncounted.turns += u64::from(is_turn);
    }
}

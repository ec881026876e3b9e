//! The fold of a log's lines into the figures that the database keeps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    gaps,
    kept_turns::{KeptTurns, Unmatched},
    outcome::{Difference, Kind, Reconciliation},
    scan::{LineEvent, PositionedLine, Scan, Turn},
    served::{RunningProcess, compare_served},
    sessions::Sessions,
    sums::Sums,
    task::Task,
    totals::{self, Begin, Group, is_unlogged},
};
use crate::{
    adapters::{log_files::SeenLines, served_figures::ServedFigures},
    domain::log_position::LogPosition,
};

/// The lines of the log so far.
pub(super) struct Fold<'a> {
    task: &'a Task<'a>,
    seen: SeenLines,
    /// The first line by its position, with its time as it is written.
    begin: Option<Begin>,
    groups: BTreeMap<Group, Sums>,
    /// The lines of each process that are not counted yet: the first, the last, and the number of turns.
    uncounted: BTreeMap<Uuid, (u64, u64, u64)>,
    /// The number of turns from before the database kept its results by processes and days.
    earlier_turns: u64,
    kept_turns: KeptTurns<'a>,
    sessions: Sessions,
    running: RunningProcess,
    result: Reconciliation,
}

impl<'a> Fold<'a> {
    pub(super) fn new(task: &'a Task<'a>) -> Self {
        Self {
            task,
            seen: SeenLines::default(),
            begin: None,
            groups: BTreeMap::new(),
            uncounted: BTreeMap::new(),
            earlier_turns: 0,
            kept_turns: KeptTurns::new(task.rows, task.period),
            sessions: Sessions::new(task.rows, task.period),
            running: RunningProcess::new(task.served_before),
            result: Reconciliation::default(),
        }
    }

    /// Adds the chunk that follows those before. A line that is in several files, as after a rotation by copying, counts once.
    pub(super) fn add(&mut self, scan: Scan) {
        for line in scan.unreadable {
            let file = self.task.files.get(scan.file_index).map(|file| file.path.display().to_string());
            let text = format!("{}:{line}: the line cannot be read", file.unwrap_or_default());
            self.result.add(Difference::new(Kind::Unreadable, text));
        }
        self.earlier_turns += scan.unstamped_turns;
        if let Some(first) = scan.first
            && self.begin.as_ref().is_none_or(|begin| first.0 < begin.0)
        {
            if let Ok(time) = first.1.parse() {
                self.kept_turns.begin_at(time);
            }
            self.begin = Some(first);
        }
        for PositionedLine { position, event } in scan.lines {
            if self.seen.add(position) {
                self.add_line(position, event);
            }
        }
    }

    fn add_line(&mut self, position: LogPosition, event: LineEvent) {
        let is_counted = self.task.snapshot.counted.contains(position);
        if !is_counted {
            let uncounted = self.uncounted.entry(position.instance).or_insert((position.seq, position.seq, 0));
            uncounted.1 = position.seq.max(uncounted.1);
            uncounted.2 += u64::from(matches!(event, LineEvent::Turn(_)));
        }
        match event {
            LineEvent::Turn(turn) => self.add_turn(position.instance, &turn, is_counted),
            LineEvent::Stop(session) if is_counted => self.sessions.add_stop(&session),
            LineEvent::Stop(_) | LineEvent::Other => {}
        }
    }

    fn add_turn(&mut self, instance: Uuid, turn: &Turn, is_counted: bool) {
        self.kept_turns.add(turn);
        self.running.add(instance, turn, is_counted);
        if is_counted {
            self.sessions.add(turn);
        }
        if Some(instance) < self.task.snapshot.since {
            self.earlier_turns += 1;
        } else if is_counted {
            *self.groups.entry(Group::of_turn(instance, turn)).or_default() += turn.sums();
        }
    }

    /// Compares the figures, and returns the result. `served` are the figures of the running service now.
    pub(super) fn finish(self, served: Option<&ServedFigures>) -> Reconciliation {
        let Task { snapshot, served_before, period, .. } = self.task;
        let mut result = self.result;
        note_uncompared(self.earlier_turns, snapshot.since, &self.uncounted, &mut result);
        match &self.begin {
            Some((begin, _)) => gaps::report(snapshot, *begin, &self.seen, &mut result),
            None => gaps::report_empty(snapshot, &mut result),
        }
        totals::compare(snapshot, self.begin.as_ref(), self.groups, &mut result);
        totals::compare_usage(snapshot, &mut result);
        let time = self.begin.as_ref().and_then(|(_, timestamp)| timestamp.parse::<Timestamp>().ok());
        let unlogged = snapshot.totals.iter().filter(|it| is_unlogged(it)).map(|it| it.turns).sum();
        self.kept_turns.finish(snapshot, Unmatched { begin: time, unlogged }, &mut result);
        self.sessions.finish(snapshot, Unmatched { begin: time, unlogged }, &mut result);
        if unlogged > 0 {
            result.notes.push(format!(
                "{unlogged} turns have no line, since the log could not be written: the database has their tokens and cost, \
                 and their clients got the error session_log_unavailable"
            ));
        }
        if period.is_limited() {
            result.notes.push(
                "--since and --until limit only the comparison of single turns and sessions: sums are compared as a whole"
                    .to_owned(),
            );
        }
        if let Some((before, after)) = served_before.zip(served) {
            let instance = before.metrics.instance;
            let is_whole = instance.is_some_and(|id| self.seen.ranges(id).next().is_some_and(|(first, _)| first == 1));
            compare_served(self.running, is_whole, snapshot, (before, after), &mut result);
        }
        result
    }
}

/// Notes lines that cannot be compared, and those that are not counted yet.
fn note_uncompared(
    earlier_turns: u64,
    since: Option<Uuid>,
    uncounted: &BTreeMap<Uuid, (u64, u64, u64)>,
    result: &mut Reconciliation,
) {
    result.earlier = earlier_turns;
    result.uncounted = uncounted.values().map(|(_, _, turns)| turns).sum();
    if earlier_turns > 0 {
        let since = since.map(|since| since.to_string()).unwrap_or_default();
        result.notes.push(format!(
            "{earlier_turns} turns are not compared by sums: they are from before process {since}, the first one for which \
             this database has sums by days"
        ));
    }
    for (instance, (first, last, turns)) in uncounted {
        let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
        result.notes.push(format!("{lines} of process {instance}, with {turns} turns, are not counted yet"));
    }
}

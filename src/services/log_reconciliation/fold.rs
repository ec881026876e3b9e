//! The fold of a log's lines into the same figures as those in the database.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    deleted::DeletedLines,
    elsewhere::Elsewhere,
    extent::Extent,
    gaps,
    outcome::{Difference, Kind, Reconciliation, UnknownProcesses},
    processes::Processes,
    scan::{LineEvent, PositionedLine, Scan, Turn},
    served::{RunningProcess, compare_served},
    sessions::Sessions,
    sums::Sums,
    task::Task,
    totals::{self, Group, is_unlogged},
    turn_rows::{TurnRows, Unmatched},
    uncompared,
};
use crate::{
    adapters::{
        log_files::{FindFailure, SeenLines},
        served_figures::ServedFigures,
    },
    domain::log_position::LogPosition,
};

/// The lines of the log so far.
pub(super) struct Fold<'a> {
    task: &'a Task<'a>,
    seen: SeenLines,
    /// The first line by its position, of any process.
    first: Option<LogPosition>,
    processes: Processes,
    deleted: DeletedLines,
    groups: BTreeMap<Group, Sums>,
    /// The numbers of turns without a process, from before the database had sums, by their dates.
    unstamped_turns: BTreeMap<String, u64>,
    turn_rows: TurnRows<'a>,
    sessions: Sessions,
    running: RunningProcess,
    result: Reconciliation,
}

impl<'a> Fold<'a> {
    pub(super) fn new(task: &'a Task<'a>) -> Self {
        Self {
            task,
            seen: SeenLines::default(),
            first: None,
            processes: Processes::default(),
            deleted: DeletedLines::default(),
            groups: BTreeMap::new(),
            unstamped_turns: BTreeMap::new(),
            turn_rows: TurnRows::new(task.rows, task.period),
            sessions: Sessions::new(task.rows, task.period),
            running: RunningProcess::new(task.served_before),
            result: Reconciliation::default(),
        }
    }

    /// Adds the chunk that follows those before. A line that is in several files, as after a rotation by copying, counts once.
    /// Fails if the system could not read the file; damaged lines and files are differences.
    pub(super) fn add(&mut self, scan: Scan) -> Result<(), FindFailure> {
        let path = self.task.files.get(scan.file_index).map(|file| file.path.clone()).unwrap_or_default();
        let damaged = scan.damaged.into_iter().map(|(line, kind)| (line, kind.text().to_owned()));
        let end = match scan.failure {
            Some((_, failure)) if failure.raw_os_error().is_some() => {
                return Err(FindFailure::Unreadable(path, failure));
            }
            Some((line, failure)) => Some((line, format!("the file cannot be read from here on ({failure})"))),
            None => None,
        };
        for (line, damage) in damaged.chain(end) {
            self.result.add(Difference::new(Kind::Unreadable, format!("{}:{line}: {damage}", path.display())));
        }
        self.result.is_outdated |= scan.is_deleted;
        for (day, turns) in scan.unstamped_turns {
            *self.unstamped_turns.entry(day).or_default() += turns;
        }
        for run in scan.runs {
            let first = LogPosition { instance: run.instance, seq: run.first_seq };
            if self.first.is_none_or(|known| first < known) {
                self.first = Some(first);
                if let Ok(time) = run.begin.parse() {
                    self.turn_rows.begin_at(time);
                }
            }
            self.processes.add_run(run);
        }
        for PositionedLine { position, event } in scan.lines {
            if self.seen.add(position) {
                self.add_line(position, event);
            }
        }
        Ok(())
    }

    fn add_line(&mut self, position: LogPosition, event: LineEvent) {
        let LogPosition { instance, seq } = position;
        let is_counted = self.task.snapshot.counted.contains(position);
        if !is_counted {
            let is_turn = matches!(&event, LineEvent::Turn(turn) if self.task.period.contains_text(&turn.timestamp));
            self.processes.of(instance).add_uncounted(seq, is_turn);
        }
        match event {
            LineEvent::Turn(turn) => self.add_turn(instance, &turn, is_counted),
            LineEvent::Stop(session) if is_counted => self.sessions.add_stop(&session),
            LineEvent::Deleted(declared) => self.deleted.add(position, &declared),
            LineEvent::StartAfter(previous) => self.processes.of(instance).add_start_after(previous),
            LineEvent::Stop(_) | LineEvent::Other => {}
        }
    }

    fn add_turn(&mut self, instance: Uuid, turn: &Turn, is_counted: bool) {
        self.processes.of(instance).add_turn(&turn.date);
        self.turn_rows.add(turn);
        self.running.add(instance, turn, is_counted);
        if is_counted {
            self.sessions.add(turn);
        }
        if is_counted && Some(instance) >= self.task.snapshot.since {
            *self.groups.entry(Group::of_turn(instance, turn)).or_default() += turn.sums();
        }
    }

    /// Compares the figures, and returns the result. `served` are the figures of the running service now.
    pub(super) fn finish(mut self, served: Option<&ServedFigures>) -> Result<Reconciliation, UnknownProcesses> {
        let Task { snapshot, served_before, period, .. } = self.task;
        let (mut result, days) = (self.result, period.whole_days());
        let own = uncompared::own_processes(&self.processes, snapshot, &days, &mut result)?;
        let begin = self.processes.begin(&own);
        let extent = Extent { own, begin, days, processes: &self.processes, seen: &self.seen, deleted: &self.deleted };
        uncompared::note(&extent, snapshot, &self.unstamped_turns, &mut result);
        gaps::report(snapshot, &extent, &mut result);
        self.groups.retain(|group, _| extent.own.contains(&group.instance) && extent.days.contains(&group.day));
        totals::compare(snapshot, &extent, self.groups, &mut result);
        totals::compare_usage(snapshot, &mut result);
        let time = extent.begin.as_ref().and_then(|(_, timestamp)| timestamp.parse::<Timestamp>().ok());
        let unlogged = snapshot.totals.iter().filter(|it| is_unlogged(it)).map(|it| it.turns).sum();
        let elsewhere = Elsewhere::new(&snapshot.other_logs, &extent.own);
        self.turn_rows.finish(&elsewhere, Unmatched { begin: time, unlogged }, &mut result);
        self.sessions.finish(&elsewhere, Unmatched { begin: time, unlogged }, &mut result);
        if period.is_limited() {
            result.notes.push(format!(
                "of the period of --since and --until, sums and missing lines are those of {}; the totals of all time are \
                 compared as a whole, as is the running service",
                extent.days
            ));
        }
        if let Some((before, after)) = served_before.zip(served) {
            let instance = before.metrics.instance;
            let is_whole = instance.is_some_and(|id| self.seen.ranges(id).next().is_some_and(|(first, _)| first == 1));
            compare_served(self.running, is_whole, snapshot, (before, after), &mut result);
        }
        Ok(result)
    }
}

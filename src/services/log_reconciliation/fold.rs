//! The fold of a log's lines into the figures that the database keeps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    elsewhere::Elsewhere,
    gaps,
    kept_turns::{KeptTurns, Unmatched},
    outcome::{Difference, Kind, Reconciliation, UnknownProcesses},
    processes::{Processes, Uncounted},
    scan::{LineEvent, PositionedLine, Scan, Turn},
    served::{RunningProcess, compare_served},
    sessions::Sessions,
    sums::Sums,
    task::Task,
    totals::{self, Group, is_unlogged},
};
use crate::{
    adapters::{
        log_files::{FindFailure, SeenLines},
        served_figures::ServedFigures,
        storage::LogSnapshot,
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
    groups: BTreeMap<Group, Sums>,
    /// The number of turns without a process, from before the database had sums by processes and days.
    unstamped_turns: u64,
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
            first: None,
            processes: Processes::default(),
            groups: BTreeMap::new(),
            unstamped_turns: 0,
            kept_turns: KeptTurns::new(task.rows, task.period),
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
        self.unstamped_turns += scan.unstamped_turns;
        for run in scan.runs {
            let first = LogPosition { instance: run.instance, seq: run.first_seq };
            if self.first.is_none_or(|known| first < known) {
                self.first = Some(first);
                if let Ok(time) = run.begin.parse() {
                    self.kept_turns.begin_at(time);
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
            self.processes.of(instance).add_uncounted(seq, matches!(event, LineEvent::Turn(_)));
        }
        match event {
            LineEvent::Turn(turn) => self.add_turn(instance, &turn, is_counted),
            LineEvent::Stop(session) if is_counted => self.sessions.add_stop(&session),
            LineEvent::StartAfter(previous) => self.processes.of(instance).add_start_after(previous),
            LineEvent::Stop(_) | LineEvent::Other => {}
        }
    }

    fn add_turn(&mut self, instance: Uuid, turn: &Turn, is_counted: bool) {
        self.processes.of(instance).turns += 1;
        self.kept_turns.add(turn);
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
        let mut result = self.result;
        let own = own_processes(&self.processes, snapshot, &mut result)?;
        self.groups.retain(|group, _| own.contains(&group.instance));
        note_uncompared(self.unstamped_turns, snapshot.since, &self.processes, &own, &mut result);
        let begin = self.processes.begin(&own);
        match &begin {
            Some((begin, _)) => gaps::report(snapshot, *begin, &own, &self.seen, &mut result),
            None => gaps::report_empty(snapshot, &mut result),
        }
        totals::compare(snapshot, begin.as_ref(), self.groups, &mut result);
        totals::compare_usage(snapshot, &mut result);
        let time = begin.as_ref().and_then(|(_, timestamp)| timestamp.parse::<Timestamp>().ok());
        let unlogged = snapshot.totals.iter().filter(|it| is_unlogged(it)).map(|it| it.turns).sum();
        let elsewhere = Elsewhere::new(&snapshot.other_logs, &own);
        self.kept_turns.finish(&elsewhere, Unmatched { begin: time, unlogged }, &mut result);
        self.sessions.finish(&elsewhere, Unmatched { begin: time, unlogged }, &mut result);
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
        Ok(result)
    }
}

/// Returns the processes that have written the log. Notes the others in the files. Fails if the files have lines of such others
/// only.
fn own_processes(
    processes: &Processes,
    snapshot: &LogSnapshot,
    result: &mut Reconciliation,
) -> Result<BTreeSet<Uuid>, UnknownProcesses> {
    let own = processes.of_log(snapshot);
    let in_files = processes.iter().map(|(instance, _)| instance).collect::<BTreeSet<_>>();
    if !in_files.is_empty() && in_files.is_disjoint(&own) {
        return Err(UnknownProcesses);
    }
    let others = processes.iter().filter(|(instance, _)| !own.contains(instance)).collect::<Vec<_>>();
    result.other_logs = others.iter().map(|(_, process)| process.turns).sum();
    let (known, unknown) =
        others.into_iter().partition::<Vec<_>, _>(|(instance, _)| snapshot.other_logs.processes.contains(instance));
    for (others, reason) in [
        (known, "the database knows them by another log; compare that one with its folder as SESSION_LOG_DIR"),
        (
            unknown,
            "the database does not know them, and no start in the files links them with processes that it knows: their files are \
             probably of another log; leave them out",
        ),
    ] {
        let (turns, processes) = (others.iter().map(|(_, process)| process.turns).sum::<u64>(), others.len());
        if let Some((first, _)) = others.first() {
            result.notes.push(format!(
                "{turns} turns of {processes} processes, the first of which is {first}, are not compared: {reason}"
            ));
        }
    }
    Ok(own)
}

/// Notes lines that cannot be compared, and those that are not counted yet.
fn note_uncompared(
    unstamped_turns: u64,
    since: Option<Uuid>,
    processes: &Processes,
    own: &BTreeSet<Uuid>,
    result: &mut Reconciliation,
) {
    let earlier = processes.iter().filter(|(instance, _)| own.contains(instance) && Some(*instance) < since);
    result.earlier = unstamped_turns + earlier.map(|(_, process)| process.turns).sum::<u64>();
    if result.earlier > 0 {
        let earlier_turns = result.earlier;
        let since = since.map(|since| since.to_string()).unwrap_or_default();
        result.notes.push(format!(
            "{earlier_turns} turns are not compared by sums: they are from before process {since}, the first one for which \
             this database has sums by days"
        ));
    }
    for (instance, process) in processes.iter().filter(|(instance, _)| own.contains(instance)) {
        let Some(Uncounted { first_seq: first, last_seq: last, turns }) = process.uncounted else { continue };
        result.uncounted += turns;
        let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
        result.notes.push(format!("{lines} of process {instance}, with {turns} turns, are not counted yet"));
    }
}

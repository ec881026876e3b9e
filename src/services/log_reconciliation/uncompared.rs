//! Turns that are not compared: of other logs, from before the database had sums, and that are not counted yet.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    extent::Extent,
    outcome::{Reconciliation, UnknownProcesses},
    period::WholeDays,
    processes::{Processes, Uncounted},
    totals::is_unlogged,
};
use crate::{
    adapters::storage::LogSnapshot,
    foundation::counted::{count, counted},
};

/// Returns the processes that have written the log. Notes the others in the files. Fails if the files have lines of such others
/// only.
pub(super) fn own_processes(
    processes: &Processes,
    snapshot: &LogSnapshot,
    days: &WholeDays,
    result: &mut Reconciliation,
) -> Result<BTreeSet<Uuid>, UnknownProcesses> {
    let own = processes.of_log(snapshot);
    let in_files = processes.iter().map(|(instance, _)| instance).collect::<BTreeSet<_>>();
    if !in_files.is_empty() && in_files.is_disjoint(&own) {
        return Err(UnknownProcesses);
    }
    let others = processes.iter().filter(|(instance, _)| !own.contains(instance));
    let (known, unknown) =
        others.partition::<Vec<_>, _>(|(instance, _)| snapshot.other_logs.processes.contains(instance));
    for (others, reason) in [
        (known, "the database knows them by another log; compare that one with its folder as SESSION_LOG_DIR"),
        (
            unknown,
            "the database does not know them, and no start in the files links them with processes that it knows: their files are \
             probably of another log; leave them out",
        ),
    ] {
        let (turns, processes) = (others.iter().map(|(_, process)| process.turns_on(days)).sum::<u64>(), others.len());
        result.other_logs += turns;
        if let Some((first, _)) = others.first() {
            result.notes.push(format!(
                "not compared: {} of {}, the first of which is {first}; {reason}",
                counted(turns, "turn", "turns"),
                counted(processes as u64, "process", "processes")
            ));
        }
    }
    Ok(own)
}

/// Notes the turns of the log that are not compared. `unstamped_turns` are the numbers of turns without a process, by their
/// dates.
pub(super) fn note(
    extent: &Extent<'_>,
    snapshot: &LogSnapshot,
    unstamped_turns: &BTreeMap<String, u64>,
    result: &mut Reconciliation,
) {
    let own = || extent.processes.iter().filter(|(instance, _)| extent.own.contains(instance));
    let unstamped = unstamped_turns.iter().filter(|(day, _)| extent.days.contains(day)).map(|(_, turns)| turns);
    let earlier = own().filter(|(instance, _)| Some(*instance) < snapshot.since);
    result.earlier = unstamped.sum::<u64>() + earlier.map(|(_, process)| process.turns_on(&extent.days)).sum::<u64>();
    if let Some(since) = snapshot.since.filter(|_| result.earlier > 0) {
        result.notes.push(format!(
            "not compared by sums: {} from before process {since}, the first one for which this database has sums by days",
            counted(result.earlier, "turn", "turns")
        ));
    }
    for (instance, process) in own() {
        let uncounted = process.uncounted.filter(|uncounted| uncounted.turns > 0);
        let Some(Uncounted { first_seq: first, last_seq: last, turns }) = uncounted else { continue };
        result.uncounted += turns;
        let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
        let turns = counted(turns, "turn", "turns");
        result.notes.push(format!("not counted yet: {lines} of process {instance}, with {turns}"));
    }
    let unlogged = snapshot.totals.iter().filter(|total| is_unlogged(total) && extent.days.contains(&total.day));
    let unlogged = unlogged.map(|total| total.turns).sum::<u64>();
    if unlogged > 0 {
        result.notes.push(format!(
            "turns without a line, since the log could not be written: {}; the database has their tokens and cost, and their \
             clients got the error session_log_unavailable",
            count(unlogged)
        ));
    }
}

//! Sums by process, day, model and error code, in the log and in the database.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    extent::{Coverage, Extent},
    outcome::{Day, Difference, Kind, Reconciliation},
    scan::Turn,
    sums::Sums,
};
use crate::{
    adapters::storage::{LogSnapshot, LogTotal, ModelUsage},
    domain::{errors::turns::SESSION_LOG_UNAVAILABLE, log_position::LogPosition},
};

/// Turns that are summed up together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) day: String,
    pub(super) instance: Uuid,
    model: String,
    code: String,
}

impl Group {
    pub(super) fn of_turn(instance: Uuid, turn: &Turn) -> Self {
        Self { instance, day: turn.date.clone(), model: turn.model.clone(), code: turn.error_code() }
    }

    fn of_total(total: &LogTotal) -> Self {
        let LogTotal { instance, day, model, code, .. } = total;
        Self { instance: *instance, day: day.clone(), model: model.clone(), code: code.clone() }
    }
}

/// Returns the sums of a total.
pub(super) fn sums(total: &LogTotal) -> Sums {
    Sums {
        turns: total.turns,
        errors: if total.code.is_empty() { 0 } else { total.turns },
        prompt_tokens: total.usage.prompt,
        completion_tokens: total.usage.completion,
        cost_pico_usd: total.cost,
    }
}

/// Returns whether a total is that of turns without a line.
pub(super) fn is_unlogged(total: &LogTotal) -> bool {
    total.code == SESSION_LOG_UNAVAILABLE.error.code
}

/// Compares the sums of the log's lines with the database. `log` has the lines that are counted, of processes that the database
/// has as a whole.
pub(super) fn compare(
    snapshot: &LogSnapshot,
    extent: &Extent<'_>,
    mut log: BTreeMap<Group, Sums>,
    result: &mut Reconciliation,
) {
    let (mut database, mut lost) = (BTreeMap::new(), Sums::default());
    for total in snapshot.totals.iter().filter(|total| Some(total.instance) >= snapshot.since && !is_unlogged(total)) {
        let (group, sums) = (Group::of_total(total), sums(total));
        let coverage = extent.coverage(total);
        match coverage {
            Coverage::Lost => lost += sums,
            Coverage::Deleted => result.deleted += sums,
            Coverage::Before => result.before += sums,
            Coverage::Compared | Coverage::OtherDay => {}
        }
        if let Coverage::Compared | Coverage::Lost = coverage {
            database.insert(group, (sums, total.seqs));
        } else {
            log.remove(&group);
        }
    }
    note_absent(result);
    if let Some((begin, timestamp)) = &extent.begin
        && lost.turns > 0
    {
        result.add(lost_begin(*begin, timestamp, lost));
    }
    let mut days = BTreeMap::<String, Day>::new();
    for group in log.keys().chain(database.keys()).collect::<BTreeSet<_>>() {
        let (own, counted) = (log.get(group), database.get(group));
        let (in_log, in_database) = (own.copied().unwrap_or_default(), counted.map(|it| it.0).unwrap_or_default());
        let empty = Day { day: group.day.clone(), log: Sums::default(), database: Sums::default(), same: true };
        let day = days.entry(group.day.clone()).or_insert(empty);
        day.log += in_log;
        day.database += in_database;
        result.log += in_log;
        result.database += in_database;
        if in_log != in_database {
            day.same = false;
            result.add(difference(group, in_log, in_database, counted.and_then(|it| it.1)));
        }
    }
    result.days = days.into_values().collect();
}

/// Notes the sums whose lines may have been deleted.
fn note_absent(result: &mut Reconciliation) {
    let Reconciliation { deleted, before, .. } = result;
    let deleted =
        format!("SESSION_LOG_KEEP has deleted the lines of {deleted}, as the log declares: these are not compared");
    let before =
        format!("the log begins later than what the database has counted: {before} of earlier days are not compared");
    let notes = [(result.deleted.turns, deleted), (result.before.turns, before)];
    result.notes.extend(notes.into_iter().filter(|(turns, _)| *turns > 0).map(|(_, note)| note));
}

fn lost_begin(begin: LogPosition, timestamp: &str, lost: Sums) -> Difference {
    let LogPosition { instance, seq } = begin;
    let text = format!(
        "the log begins at {timestamp} with line {seq} of process {instance}, but the database has counted lines before it that \
         should be there: sums of {lost} are not in the log as a whole"
    );
    Difference { instance: Some(instance.to_string()), ..Difference::new(Kind::Missing, text) }
}

fn difference(group: &Group, log: Sums, database: Sums, seqs: Option<(u64, u64)>) -> Difference {
    let Group { day, instance, model, code } = group;
    let end = if code.is_empty() { "answered" } else { code };
    let lines = seqs.map(|(first, last)| format!(", lines {first} to {last}")).unwrap_or_default();
    let text =
        format!("{day}, {model}, {end}, process {instance}{lines}: the log has {log}; the database has {database}");
    Difference {
        instance: Some(instance.to_string()),
        day: Some(day.clone()),
        model: Some(model.clone()),
        code: Some(code.clone()),
        log: Some(log),
        database: Some(database),
        ..Difference::new(Kind::Totals, text)
    }
}

/// Compares the usage totals with the sums of all turns that the database has counted.
pub(super) fn compare_usage(snapshot: &LogSnapshot, result: &mut Reconciliation) {
    let LogSnapshot { usage, summed, .. } = snapshot;
    let models = usage.keys().chain(summed.keys()).collect::<BTreeSet<_>>();
    for model in models {
        let of = |totals: &BTreeMap<String, ModelUsage>| totals.get(model).copied().unwrap_or_default();
        let (total, sum) = (of(usage), of(summed));
        if total != sum {
            let text = format!(
                "{model}: the usage totals have {}; the sum over all turns is {}",
                usage_text(&total),
                usage_text(&sum)
            );
            result.add(Difference { model: Some(model.clone()), ..Difference::new(Kind::UsageTotals, text) });
        }
    }
}

fn usage_text(usage: &ModelUsage) -> String {
    Sums::of_answered(usage.answered, usage.usage, usage.cost).answered()
}

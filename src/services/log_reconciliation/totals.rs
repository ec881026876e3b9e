//! Sums by process, day, model and error code, in the log and in the database.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    outcome::{Day, Difference, Kind, Reconciliation},
    scan::Turn,
    sums::Sums,
};
use crate::{
    adapters::storage::{LogSnapshot, LogTotal, ModelUsage},
    domain::{errors::turns::SESSION_LOG_UNAVAILABLE, log_position::LogPosition},
};

/// The length of a date at the begin of a time.
const DATE_LENGTH: usize = "YYYY-MM-DD".len();

/// Turns that are summed up together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    day: String,
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

/// The first line of a log, with its time as it is written.
pub(super) type Begin = (LogPosition, String);

/// Compares the sums of the log's lines with the database. `log` has the lines that are counted, of processes that the database
/// has as a whole. Days before that of the log's first line may have been deleted; what is before it on its own day is missing.
pub(super) fn compare(
    snapshot: &LogSnapshot,
    begin: Option<&Begin>,
    mut log: BTreeMap<Group, Sums>,
    result: &mut Reconciliation,
) {
    let mut database = BTreeMap::new();
    let (mut before, mut lost) = (Sums::default(), Sums::default());
    for total in snapshot.totals.iter().filter(|total| Some(total.instance) >= snapshot.since && !is_unlogged(total)) {
        if is_before(total, begin) && is_of_earlier_day(total, begin) {
            before += sums(total);
            log.remove(&Group::of_total(total));
        } else {
            lost += if is_before(total, begin) { sums(total) } else { Sums::default() };
            database.insert(Group::of_total(total), (sums(total), total.seqs));
        }
    }
    note_before(before, result);
    if let Some((begin, timestamp)) = begin
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

/// Returns whether lines of a total were before the first line of the log.
fn is_before(total: &LogTotal, begin: Option<&Begin>) -> bool {
    let first = total.seqs.map_or(0, |(first, _)| first);
    begin.is_some_and(|(begin, _)| LogPosition { instance: total.instance, seq: first } < *begin)
}

/// Returns whether a total is of a day before that of the first line of the log.
fn is_of_earlier_day(total: &LogTotal, begin: Option<&Begin>) -> bool {
    let day = begin.and_then(|(_, timestamp)| timestamp.get(..DATE_LENGTH));
    day.is_some_and(|day| total.day.as_str() < day)
}

fn note_before(before: Sums, result: &mut Reconciliation) {
    result.before = before;
    if before.turns > 0 {
        result.notes.push(format!(
            "the log begins later than what the database has counted: {before} of earlier days are not compared"
        ));
    }
}

fn lost_begin(begin: LogPosition, timestamp: &str, lost: Sums) -> Difference {
    let LogPosition { instance, seq } = begin;
    let text = format!(
        "the log begins at {timestamp} with line {seq} of process {instance}, but the database has counted lines before it on \
         the same day: sums of {lost} are not in the log as a whole"
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
    let sums = Sums {
        turns: usage.answered,
        errors: 0,
        prompt_tokens: usage.usage.prompt,
        completion_tokens: usage.usage.completion,
        cost_pico_usd: usage.cost,
    };
    sums.answered()
}

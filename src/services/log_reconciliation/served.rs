//! The figures of the running service, compared with the database and with the lines of its process.
//!
//! The service may be busy, so its figures are read twice: before the database and the log are, and after both. All of them
//! only grow, and a turn has its line first, then is counted by the metrics, and then by the database. So there is no
//! difference if a figure of all lines is not below that before, and that of the lines in the database is not above
//! that after. While no turn ends, all four are the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use uuid::Uuid;

use super::{
    outcome::{Difference, Kind, Reconciliation, ServedRange, Source},
    scan::Turn,
    sums::{Sums, cost_tolerance},
    totals::{is_unlogged, sums},
};
use crate::{
    adapters::{
        served_figures::{ServedFigures, ServedMetrics, ServedUsage},
        storage::LogSnapshot,
    },
    domain::{cost::dollars, errors::turns::SESSION_LOG_UNAVAILABLE},
};

/// The turns of the running process by its lines, summed up as its metrics are.
#[derive(Debug, Default)]
pub(super) struct RunningProcess {
    instance: Option<Uuid>,
    /// The turns of all its lines.
    all: ServedMetrics,
    /// Those that the database has counted.
    counted: ServedMetrics,
}

impl RunningProcess {
    /// Returns the process that the metrics name, without lines.
    pub(super) fn new(served: Option<&ServedFigures>) -> Self {
        Self { instance: served.and_then(|served| served.metrics.instance), ..Self::default() }
    }

    /// Adds the line of a turn if it is one of the process.
    pub(super) fn add(&mut self, instance: Uuid, turn: &Turn, is_counted: bool) {
        if self.instance == Some(instance) {
            self.add_turns(&turn.model, &turn.finish, &turn.error_code(), turn.sums(), is_counted);
        }
    }

    fn add_turns(&mut self, model: &str, finish: &str, code: &str, sums: Sums, is_counted: bool) {
        for metrics in std::iter::once(&mut self.all).chain(is_counted.then_some(&mut self.counted)) {
            let key = |name: &str| (model.to_owned(), name.to_owned());
            add(&mut metrics.turns, key(finish), sums.turns);
            add(&mut metrics.errors, key(code), sums.errors);
            add(&mut metrics.tokens, key("prompt"), sums.prompt_tokens);
            add(&mut metrics.tokens, key("completion"), sums.completion_tokens);
            add(&mut metrics.cost, model.to_owned(), sums.cost_pico_usd);
        }
    }

    /// Compares with the metrics. Turns without a line are in the database only.
    fn compare(
        mut self,
        snapshot: &LogSnapshot,
        (before, after): (&ServedMetrics, &ServedMetrics),
        result: &mut Reconciliation,
    ) {
        let (unlogged, own) = (SESSION_LOG_UNAVAILABLE, self.instance);
        for total in snapshot.totals.iter().filter(|it| Some(it.instance) == own && is_unlogged(it)) {
            self.add_turns(&total.model, unlogged.finish.as_str(), unlogged.error.code, sums(total), true);
        }
        let ranges = [&self.all, &self.counted, before, after];
        let names = |(model, name): &(String, String)| format!("{model}, {name}");
        let (exact, number) = (|_| 0, |count: u64| count.to_string());
        compare(("turns", &names), ranges.map(|it| &it.turns), exact, number, result);
        compare(("errors", &names), ranges.map(|it| &it.errors), exact, number, result);
        compare(("tokens", &names), ranges.map(|it| &it.tokens), exact, number, result);
        let usd = |pico: u64| format!("${}", dollars(pico));
        compare(("cost", &String::clone), ranges.map(|it| &it.cost), cost_tolerance, usd, result);
        let [before, after] = [before, after].map(metrics_sums);
        result.served.push(ServedRange { source: Source::Metrics, before, after });
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    if count > 0 {
        let sum = counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// Compares counts of all lines and of those in the database with the same of the metrics before and after. `tolerance`
/// returns by how much two numbers of this size may differ.
fn compare<K: Ord + Clone, T: Display>(
    (what, name): (&str, &dyn Fn(&K) -> String),
    counts: [&BTreeMap<K, u64>; 4],
    tolerance: impl Fn(u64) -> u64,
    text: impl Fn(u64) -> T,
    result: &mut Reconciliation,
) {
    for key in counts.iter().flat_map(|counts| counts.keys()).collect::<BTreeSet<_>>() {
        let [all, counted, before, after] = counts.map(|counts| counts.get(key).copied().unwrap_or_default());
        if !is_at_most(before, all, &tolerance) || !is_at_most(counted, after, &tolerance) {
            let (log, served) = (range_text(counted, all, &text), range_text(before, after, &text));
            let text = format!("metrics, {what}, {}: the log has {log}; /metrics has {served}", name(key));
            result.add(Difference::new(Kind::Metrics, text));
        }
    }
}

fn is_at_most(less: u64, more: u64, tolerance: impl Fn(u64) -> u64) -> bool {
    less <= more.saturating_add(tolerance(less.max(more)))
}

fn range_text<V: Copy + PartialEq, T: Display>(first: V, last: V, text: impl Fn(V) -> T) -> String {
    if first == last { text(first).to_string() } else { format!("{} to {}", text(first), text(last)) }
}

/// Compares the figures of the running service from before and after the log was read. `is_whole`: the log has the process's
/// first line.
pub(super) fn compare_served(
    running: RunningProcess,
    is_whole: bool,
    snapshot: &LogSnapshot,
    (before, after): (&ServedFigures, &ServedFigures),
    result: &mut Reconciliation,
) {
    compare_usage(snapshot, (&before.usage, &after.usage), result);
    match before.metrics.instance {
        None => result.notes.push("/metrics is not compared, since it does not name its process".to_owned()),
        process if process != after.metrics.instance => {
            result.notes.push("/metrics is not compared, since the service has started anew meanwhile".to_owned());
        }
        Some(instance) if !is_whole => result.notes.push(format!(
            "/metrics is not compared: the log does not have the first line of process {instance}, which runs there"
        )),
        Some(_) => running.compare(snapshot, (&before.metrics, &after.metrics), result),
    }
}

fn compare_usage(snapshot: &LogSnapshot, (before, after): (&ServedUsage, &ServedUsage), result: &mut Reconciliation) {
    let mut database = Sums::default();
    for usage in snapshot.usage.values() {
        database += Sums::of_answered(usage.answered, usage.usage, usage.cost);
    }
    let [before, after] = [before, after].map(|it| Sums::of_answered(it.answered, it.usage, it.cost));
    if !is_between(&database, &before, &after) {
        let served = range_text(before, after, |sums| sums.answered());
        let text = format!("GET /api/openai/usage has {served}; the database has {}", database.answered());
        result.add(Difference::new(Kind::Usage, text));
    }
    result.served.push(ServedRange { source: Source::Usage, before, after });
}

fn is_between(sums: &Sums, before: &Sums, after: &Sums) -> bool {
    let exact = |sums: &Sums| [sums.turns, sums.prompt_tokens, sums.completion_tokens];
    let [low, own, high] = [before, sums, after].map(exact);
    let is_same_cost = is_at_most(before.cost_pico_usd, sums.cost_pico_usd, cost_tolerance)
        && is_at_most(sums.cost_pico_usd, after.cost_pico_usd, cost_tolerance);
    is_same_cost && (0..own.len()).all(|figure| (low[figure]..=high[figure]).contains(&own[figure]))
}

/// Returns the metrics of all models together.
fn metrics_sums(metrics: &ServedMetrics) -> Sums {
    let tokens = |kind: &str| metrics.tokens.iter().filter(|((_, of), _)| of == kind).map(|(_, count)| count).sum();
    Sums {
        turns: metrics.turns.values().sum(),
        errors: metrics.errors.values().sum(),
        prompt_tokens: tokens("prompt"),
        completion_tokens: tokens("completion"),
        cost_pico_usd: metrics.cost.values().sum(),
    }
}

//! What the running service says, compared with the database and with the lines of its process.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use uuid::Uuid;

use super::{
    outcome::{Difference, Kind, Reconciliation},
    scan::Turn,
    sums::{Sums, is_same_cost},
    totals::{is_unlogged, sums},
};
use crate::{
    adapters::{
        served_figures::{ServedFigures, ServedMetrics, ServedUsage},
        storage::LogSnapshot,
    },
    domain::{cost::dollars, errors::turns::SESSION_LOG_UNAVAILABLE},
};

/// The turns of the running process, as its metrics count them.
#[derive(Debug, Default)]
pub(super) struct RunningProcess(ServedMetrics);

impl RunningProcess {
    pub(super) fn new(served: Option<&ServedFigures>) -> Self {
        Self(ServedMetrics { instance: served.and_then(|served| served.metrics.instance), ..ServedMetrics::default() })
    }

    /// Adds the line of a turn if it is one of the process.
    pub(super) fn add(&mut self, instance: Uuid, turn: &Turn) {
        if self.0.instance == Some(instance) {
            self.add_turns(&turn.model, &turn.finish, &turn.error_code(), turn.sums());
        }
    }

    fn add_turns(&mut self, model: &str, finish: &str, code: &str, sums: Sums) {
        let key = |name: &str| (model.to_owned(), name.to_owned());
        add(&mut self.0.turns, key(finish), sums.turns);
        add(&mut self.0.errors, key(code), sums.errors);
        add(&mut self.0.tokens, key("prompt"), sums.prompt_tokens);
        add(&mut self.0.tokens, key("completion"), sums.completion_tokens);
        add(&mut self.0.cost, model.to_owned(), sums.cost_pico_usd);
    }

    /// Compares with the metrics. Turns without a line are in the database only.
    fn compare(mut self, snapshot: &LogSnapshot, metrics: &ServedMetrics, result: &mut Reconciliation) {
        let (unlogged, own) = (SESSION_LOG_UNAVAILABLE, self.0.instance);
        for total in snapshot.totals.iter().filter(|it| Some(it.instance) == own && is_unlogged(it)) {
            self.add_turns(&total.model, unlogged.finish.as_str(), unlogged.error.code, sums(total));
        }
        let names = |(model, name): &(String, String)| format!("{model}, {name}");
        let exact = |one: u64, other: u64| one == other;
        let number = |count: u64| count.to_string();
        compare(("turns", &names), (&self.0.turns, &metrics.turns), exact, number, result);
        compare(("errors", &names), (&self.0.errors, &metrics.errors), exact, number, result);
        compare(("tokens", &names), (&self.0.tokens, &metrics.tokens), exact, number, result);
        let usd = |pico: u64| format!("${}", dollars(pico));
        compare(("cost", &String::clone), (&self.0.cost, &metrics.cost), is_same_cost, usd, result);
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    if count > 0 {
        let sum = counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// Compares counts of the log with the same of the metrics.
fn compare<K: Ord + Clone, T: Display>(
    (what, name): (&str, &dyn Fn(&K) -> String),
    (log, metrics): (&BTreeMap<K, u64>, &BTreeMap<K, u64>),
    is_same: impl Fn(u64, u64) -> bool,
    text: impl Fn(u64) -> T,
    result: &mut Reconciliation,
) {
    for key in log.keys().chain(metrics.keys()).collect::<BTreeSet<_>>() {
        let of = |counts: &BTreeMap<K, u64>| counts.get(key).copied().unwrap_or_default();
        let (own, served) = (of(log), of(metrics));
        if !is_same(own, served) {
            let text =
                format!("metrics, {what}, {}: the log has {}; /metrics has {}", name(key), text(own), text(served));
            result.add(Difference::new(Kind::Metrics, text));
        }
    }
}

/// Compares the figures of the running service. `is_whole`: the log has the process's first line.
pub(super) fn compare_served(
    running: RunningProcess,
    is_whole: bool,
    snapshot: &LogSnapshot,
    served: &ServedFigures,
    result: &mut Reconciliation,
) {
    compare_usage(snapshot, &served.usage, result);
    match served.metrics.instance {
        None => result.notes.push("/metrics is not compared, since it does not name its process".to_owned()),
        Some(instance) if !is_whole => result.notes.push(format!(
            "/metrics is not compared: the log does not have the first line of process {instance}, which runs there"
        )),
        Some(_) => running.compare(snapshot, &served.metrics, result),
    }
}

fn compare_usage(snapshot: &LogSnapshot, served: &ServedUsage, result: &mut Reconciliation) {
    let mut total = ServedUsage::default();
    for usage in snapshot.usage.values() {
        total.answered += usage.answered;
        total.usage += usage.usage;
        total.cost = total.cost.saturating_add(usage.cost);
    }
    let text = |usage: &ServedUsage| {
        let ServedUsage { answered, usage, cost } = usage;
        format!("{answered} answered turns, {} + {} tokens, ${}", usage.prompt, usage.completion, dollars(*cost))
    };
    let is_same_rest = ServedUsage { cost: served.cost, ..total } == *served;
    if !is_same_rest || !is_same_cost(total.cost, served.cost) {
        let text = format!("GET /api/openai/usage has {}; the database has {}", text(served), text(&total));
        result.add(Difference::new(Kind::Usage, text));
    }
}

//! The sums over the turns that are shown.

use std::collections::BTreeMap;

use super::super::{
    event_line::EventLine,
    numbers::{count, counted, dollars, milliseconds},
};
use crate::services::log_report::is_unpriced;

/// The sums over turns.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The number of turns.
    pub(super) turns: u64,
    errors: u64,
    retries: u64,
    tokens: u64,
    cost_usd: f64,
    /// The number of turns that called a model whose price is not known.
    unpriced: u64,
    latency_ms: f64,
    models: BTreeMap<String, u64>,
    /// The times of the first and the last turn.
    period: Option<(String, String)>,
}

impl Totals {
    /// Adds the line of a turn.
    pub(super) fn add(&mut self, line: &EventLine) {
        self.turns += 1;
        self.errors += u64::from(line.is_error());
        self.retries += line.count("attempts").unwrap_or(1).saturating_sub(1);
        self.tokens += line.count("total_tokens").unwrap_or_default();
        self.unpriced += u64::from(is_unpriced(line.number("cost_usd"), line.text("usage_source").as_deref()));
        self.cost_usd += line.number("cost_usd").unwrap_or_default();
        self.latency_ms += line.number("latency_ms").unwrap_or_default();
        *self.models.entry(line.text("model").unwrap_or_default()).or_default() += 1;
        self.period.get_or_insert_with(|| (line.time(), String::new())).1 = line.time();
    }

    /// Returns the sums as lines.
    pub(super) fn text(&self) -> String {
        let Some((first, last)) = &self.period else { return "    no turns\n".to_owned() };
        let models = self.models.iter().map(|(model, turns)| format!("{model} {}", count(*turns)));
        let unpriced = if self.unpriced == 0 {
            String::new()
        } else {
            format!(", without {} whose model has no known price", counted(self.unpriced, "turn", "turns"))
        };
        let retries = counted(self.retries, "retry", "retries");
        [
            format!("turns     {}, {} failed, {retries}", count(self.turns), count(self.errors)),
            format!("from      {first} to {last}"),
            format!("models    {}", models.collect::<Vec<_>>().join(", ")),
            format!("tokens    {}", count(self.tokens)),
            format!("cost      {}{unpriced}", dollars(self.cost_usd)),
            format!("waited    {} in all", milliseconds(self.latency_ms)),
        ]
        .map(|line| format!("    {line}\n"))
        .concat()
    }
}

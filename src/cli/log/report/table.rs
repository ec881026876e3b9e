//! Tables of groups, models and sessions, as cells that text and HTML print.

use super::{Output, numbers};
use crate::services::log_report::{Group, GroupBy, LongSession, OpenSession, Percentiles, Summary, Tally, TurnSummary};

/// The most rows of a table; CSV and JSON have all groups.
const MAX_ROWS: usize = 100;

/// A table. The first column is left-aligned, the others are right-aligned.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// A sentence about rows that are left out; empty without.
    pub(super) note: String,
}

/// Returns the tables of a report that have rows.
pub(super) fn tables(output: &Output<'_>) -> Vec<Table> {
    let summary = output.summary;
    let tables = [groups(output), Some(models(summary)), Some(longest(summary)), Some(open(summary))];
    tables.into_iter().flatten().filter(|table| !table.rows.is_empty()).collect()
}

/// Returns a name, or what stands for a missing one.
fn name(name: Option<&str>) -> &str {
    name.unwrap_or("(none)")
}

fn group_name(group: &Group, by: GroupBy) -> String {
    let name = name(group.group.as_deref());
    if by == GroupBy::Hour { name.replace('T', " ") } else { name.to_owned() }
}

fn groups(output: &Output<'_>) -> Option<Table> {
    let by = output.query.by?;
    let summary = output.summary;
    let shown = summary.groups.iter().take(MAX_ROWS);
    let mut rows = shown.map(|group| group_row(group_name(group, by), &group.turns)).collect::<Vec<_>>();
    rows.extend(summary.other_groups.as_ref().map(|other| group_row("(other groups)".to_owned(), other)));
    let note = hidden_rows(summary.groups.len(), "more groups: --format csv or json has all.");
    let columns = vec![
        by.name(),
        "turns",
        "errors",
        "cut off",
        "sessions",
        "visitors",
        "tokens",
        "cost",
        "p50",
        "p95",
        "p99",
        "first word p50",
        "p95",
        "p99",
        "up",
        "down",
    ];
    Some(Table { title: format!("By {}", by.name()), columns, rows, note })
}

/// Returns a sentence about the rows beyond the limit; an empty one without.
fn hidden_rows(rows: usize, sentence: &str) -> String {
    match rows.saturating_sub(MAX_ROWS) {
        0 => String::new(),
        hidden => format!("{} {sentence}", numbers::count(hidden as u64)),
    }
}

fn group_row(name: String, turns: &TurnSummary) -> Vec<String> {
    let counts = [turns.turns, turns.errors, turns.cut_off].map(numbers::count);
    let people = [turns.session_count(), turns.visitor_count()].map(numbers::estimate);
    let times = [turns.latency_ms, turns.first_word_ms]
        .into_iter()
        .flat_map(|Percentiles { p50, p95, p99, .. }| [p50, p95, p99]);
    let times = times.map(|ms| ms.map(numbers::milliseconds).unwrap_or_default());
    let sums = [numbers::count(turns.total_tokens), cost(turns.cost_usd, turns.unpriced_turns)];
    let ratings = [turns.rated_up, turns.rated_down].map(numbers::count);
    [name].into_iter().chain(counts).chain(people).chain(sums).chain(times).chain(ratings).collect()
}

/// Returns a cost, unless no turn has one because prices are unknown.
fn cost(usd: f64, unpriced_turns: u64) -> String {
    if usd == 0.0 && unpriced_turns > 0 { "unknown".to_owned() } else { numbers::dollars(usd) }
}

fn models(summary: &Summary) -> Table {
    let row = |tally: &Tally| {
        let cost = cost(tally.cost_usd, tally.unpriced_turns);
        let [turns, errors, failed] = [tally.turns, tally.errors, tally.failed_calls].map(numbers::count);
        vec![name(tally.name.as_deref()).to_owned(), turns, errors, failed, cost]
    };
    let rows = summary.models.iter().take(MAX_ROWS).map(row).collect();
    Table {
        title: "Models".to_owned(),
        columns: vec!["model", "turns", "errors", "failed calls", "cost"],
        rows,
        note: hidden_rows(summary.models.len(), "more models: --format json has all."),
    }
}

fn longest(summary: &Summary) -> Table {
    let row = |session: &LongSession| {
        let turns = session.turns.map(numbers::count).unwrap_or_default();
        let cost = session.cost_usd.map(numbers::dollars).unwrap_or_default();
        vec![session.session_id.clone(), numbers::seconds(session.duration_seconds), turns, cost]
    };
    let rows = summary.sessions.longest.iter().map(row).collect();
    let columns = vec!["session", "duration", "turns", "cost"];
    Table { title: "Longest sessions".to_owned(), columns, rows, note: String::new() }
}

fn open(summary: &Summary) -> Table {
    let row = |session: &OpenSession| vec![session.session_id.clone(), session.since.clone()];
    let rows = summary.sessions.longest_open.iter().map(row).collect();
    Table {
        title: "Open sessions, the oldest".to_owned(),
        columns: vec!["session", "since"],
        rows,
        note: String::new(),
    }
}

//! The report as CSV: a line for each group, or one for all turns.

use super::{
    counts::Named,
    query::GroupBy,
    summary::Summary,
    turn_summary::{Percentiles, TurnSummary},
};
use crate::adapters::credentials::KeyLookup;

/// The name of the line for the groups that had no place.
const OTHER: &str = "(other groups)";

/// Returns numbers of turns by name.
type Counts = fn(&TurnSummary) -> &Named;

/// The numbers of turns that have a column for each name, and the beginning of these columns' names.
const COUNTS: [(&str, Counts); 3] =
    [("end", |turns| &turns.finish), ("error", |turns| &turns.errors_by_code), ("key", |turns| &turns.key_sources)];

/// Returns a report as CSV (RFC 4180, with line feeds), for the grouping with which it was made. `'` precedes a name that a
/// spreadsheet would take for a formula.
#[must_use]
pub fn format_csv(summary: &Summary, by: Option<GroupBy>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let by = by.map(|by| by.name().to_owned());
    let counts = COUNTS.iter().flat_map(|(prefix, of)| {
        let Named(names) = of(&summary.turns);
        let mut names = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        names.sort_unstable();
        names.into_iter().map(move |name| (prefix, of, name))
    });
    let counts = counts.collect::<Vec<_>>();
    let mut write = |group: Option<String>, turns: &TurnSummary, names: bool| {
        let cells = columns(turns).into_iter().map(|(name, value)| if names { name.to_owned() } else { value });
        let counts =
            counts.iter().map(
                |(prefix, of, name)| {
                    if names { format!("{prefix}_{name}") } else { number(of(turns), name).to_string() }
                },
            );
        // Writing to memory does not fail.
        let _ = writer.write_record(group.into_iter().chain(cells).chain(counts));
    };
    write(by.clone(), &summary.turns, true);
    if by.is_none() {
        write(None, &summary.turns, false);
    }
    for group in &summary.groups {
        write(Some(without_formula(group.group.as_deref().unwrap_or_default())), &group.turns, false);
    }
    if let Some(other) = &summary.other_groups {
        write(Some(OTHER.to_owned()), other, false);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Returns a name that spreadsheets do not take for a formula.
fn without_formula(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{name}") } else { name.to_owned() }
}

fn columns(turns: &TurnSummary) -> Vec<(&'static str, String)> {
    let ms = |ms: Option<f64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
    let Percentiles { p50, p95, p99, max } = turns.latency_ms;
    let first_word = turns.first_word_ms;
    vec![
        ("turns", turns.turns.to_string()),
        ("errors", turns.errors.to_string()),
        ("cut_off", turns.cut_off.to_string()),
        ("sessions", turns.sessions.to_string()),
        ("visitors", turns.visitors.to_string()),
        ("prompt_tokens", turns.prompt_tokens.to_string()),
        ("completion_tokens", turns.completion_tokens.to_string()),
        ("total_tokens", turns.total_tokens.to_string()),
        ("estimated_turns", turns.estimated_turns.to_string()),
        ("cost_usd", turns.cost_usd.to_string()),
        ("unpriced_turns", turns.unpriced_turns.to_string()),
        ("latency_p50_ms", ms(p50)),
        ("latency_p95_ms", ms(p95)),
        ("latency_p99_ms", ms(p99)),
        ("latency_max_ms", ms(max)),
        ("first_word_p50_ms", ms(first_word.p50)),
        ("first_word_p95_ms", ms(first_word.p95)),
        ("first_word_p99_ms", ms(first_word.p99)),
        ("first_word_max_ms", ms(first_word.max)),
        ("fallbacks", turns.fallbacks.to_string()),
        ("retries", turns.retries.to_string()),
        ("retried_turns", turns.retried_turns.to_string()),
        ("failed_calls", total(&turns.failed_calls).to_string()),
        ("key_hits", number(&turns.key_lookups, KeyLookup::Hit.as_str()).to_string()),
        ("key_fetches", number(&turns.key_lookups, KeyLookup::Fetched.as_str()).to_string()),
        ("failed_key_fetches", number(&turns.key_lookups, KeyLookup::Failed.as_str()).to_string()),
        ("sessions_estimated", turns.sessions_estimated.to_string()),
        ("visitors_estimated", turns.visitors_estimated.to_string()),
        ("rated_up", turns.rated_up.to_string()),
        ("rated_down", turns.rated_down.to_string()),
    ]
}

fn total(Named(names): &Named) -> u64 {
    names.iter().map(|(_, count)| count).sum()
}

fn number(Named(names): &Named, of: &str) -> u64 {
    names.iter().find(|(name, _)| name == of).map_or(0, |(_, count)| *count)
}

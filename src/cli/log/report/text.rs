//! The report as text for a terminal.

use std::fmt::Write as _;

use super::{
    Output,
    numbers::{count, counted, dollars, estimate, milliseconds, percent},
    printable,
    table::{Table, tables},
};
use crate::{
    adapters::credentials::CredentialSource,
    cli::columns,
    services::log_report::{Accuracy, Named, Percentiles, RefusalSummary, SessionSummary, Summary, TurnSummary},
};

/// The most names in a line.
const MAX_NAMES: usize = 12;

pub(super) fn format(output: &Output<'_>) -> String {
    let mut text = String::new();
    for (name, figures) in lines(output) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<12} {}", printable(&figures));
    }
    for table in tables(output) {
        text.push('\n');
        write_table(&mut text, &table);
    }
    // Figures of few turns are exact.
    if output.summary.turns.turns > output.summary.accuracy.percentile_exact as u64 {
        let _ = writeln!(text, "\n{}", accuracy(&output.summary.accuracy));
    }
    text
}

/// Returns a sentence about the errors of estimated figures.
pub(super) fn accuracy(accuracy: &Accuracy) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    format!(
        "Percentiles of more than {} turns are within {} of the exact value; more than {} different sessions or visitors (≈) are \
         an estimate with a standard error of {}.",
        accuracy.percentile_exact,
        percent(accuracy.percentile_error),
        count(accuracy.distinct_exact as u64),
        percent(accuracy.distinct_error)
    )
}

/// Returns the figures of all turns, each with its name.
pub(super) fn lines(output: &Output<'_>) -> Vec<(&'static str, String)> {
    let summary = output.summary;
    let turns = &summary.turns;
    let mut lines = vec![
        ("Log", log(output)),
        ("Turns", turn_counts(turns)),
        ("Sessions", sessions(turns, &summary.sessions)),
        ("Visitors", estimate(turns.visitor_count())),
        ("Tokens", tokens(turns)),
        ("Cost", cost(turns)),
        ("Latency", percentiles(turns.latency_ms)),
        ("First word", percentiles(turns.first_word_ms)),
        ("Ends", named(&turns.finish)),
        ("Errors", named(&turns.errors_by_code)),
        ("Refusals", refusals(&summary.refusals)),
        ("Keys", key_sources(&turns.key_sources)),
        ("Key lookups", named(&turns.key_lookups)),
        ("Retries", format!("{}, in {}", count(turns.retries), counted(turns.retried_turns, "turn", "turns"))),
        ("Failed calls", named(&turns.failed_calls)),
        ("Fallbacks", count(turns.fallbacks)),
        ("Ratings", format!("{} up, {} down", count(turns.rated_up), count(turns.rated_down))),
        ("Service", service(summary)),
    ];
    lines.extend((!summary.damage.is_empty()).then(|| ("Damage", damage(summary))));
    lines
}

fn log(output: &Output<'_>) -> String {
    let summary = output.summary;
    let files = match output.files {
        [file] => file.path.display().to_string(),
        files => counted(files.len() as u64, "file", "files"),
    };
    let period = summary.period.as_ref().map(|(first, last)| format!(", from {} to {}", seconds(first), seconds(last)));
    format!("{files}, {}{}", counted(summary.lines, "line", "lines"), period.unwrap_or_default())
}

/// Returns a time without the parts of its seconds and its offset.
fn seconds(timestamp: &str) -> String {
    timestamp.get(..19).unwrap_or(timestamp).replacen('T', " ", 1)
}

fn turn_counts(turns: &TurnSummary) -> String {
    let answered = turns.turns - turns.errors;
    let share = percent(turns.errors, turns.turns);
    format!(
        "{}: {} answered, {} ({share}); {} cut off",
        count(turns.turns),
        count(answered),
        counted(turns.errors, "error", "errors"),
        count(turns.cut_off)
    )
}

fn sessions(turns: &TurnSummary, sessions: &SessionSummary) -> String {
    let by = if sessions.stopped == 0 { String::new() } else { format!(" ({})", named(&sessions.stopped_by)) };
    format!(
        "{} with turns; {} started, {} ended{by}, {} open",
        estimate(turns.session_count()),
        count(sessions.started),
        count(sessions.stopped),
        count(sessions.open)
    )
}

fn tokens(turns: &TurnSummary) -> String {
    let estimated = if turns.estimated_turns == 0 {
        String::new()
    } else {
        format!("; estimated in {}", counted(turns.estimated_turns, "turn", "turns"))
    };
    format!(
        "{}: {} of prompts, {} of answers{estimated}",
        count(turns.total_tokens),
        count(turns.prompt_tokens),
        count(turns.completion_tokens)
    )
}

fn cost(turns: &TurnSummary) -> String {
    let unpriced = if turns.unpriced_turns == 0 {
        String::new()
    } else {
        format!("; without {} of unknown price", counted(turns.unpriced_turns, "turn", "turns"))
    };
    format!("{}{unpriced}", dollars(turns.cost_usd))
}

fn percentiles(Percentiles { p50, p95, p99, max }: Percentiles) -> String {
    let named = [("p50", p50), ("p95", p95), ("p99", p99), ("longest", max)];
    let shown = named.into_iter().filter_map(|(name, ms)| Some(format!("{name} {}", milliseconds(ms?))));
    let shown = shown.collect::<Vec<_>>().join(", ");
    if shown.is_empty() { "none".to_owned() } else { shown }
}

fn named(Named(names): &Named) -> String {
    let shown = names.iter().take(MAX_NAMES).map(|(name, number)| format!("{name} {}", count(*number)));
    let more = (names.len() > MAX_NAMES).then(|| format!("{} more", count((names.len() - MAX_NAMES) as u64)));
    let shown = shown.chain(more).collect::<Vec<_>>().join(", ");
    if shown.is_empty() { "none".to_owned() } else { shown }
}

fn refusals(refusals: &RefusalSummary) -> String {
    let by_code = named(&refusals.by_code);
    if refusals.by_site.0.is_empty() { by_code } else { format!("{by_code}; of sites {}", named(&refusals.by_site)) }
}

/// Returns the sources of keys. A turn without a key has the source `none`, which is not to be read as "no turns".
fn key_sources(Named(names): &Named) -> String {
    let shown = |name: &str| if name == CredentialSource::None.as_str() { "no key" } else { name }.to_owned();
    named(&Named(names.iter().map(|(name, turns)| (shown(name), *turns)).collect()))
}

fn service(summary: &Summary) -> String {
    let service = summary.service;
    let gaps = if service.log_gaps == 0 {
        String::new()
    } else {
        let gaps = counted(service.log_gaps, "gap", "gaps");
        format!("; {gaps} in the log with {}", counted(service.lines_refused, "refused line", "refused lines"))
    };
    let cut_off = match service.turns_cut_off {
        0 => String::new(),
        1 => "; 1 turn was cut off by a stop".to_owned(),
        turns => format!("; {} turns were cut off by stops", count(turns)),
    };
    let starts = counted(service.starts, "start", "starts");
    format!("{starts}, {}{cut_off}{gaps}", counted(service.stops, "orderly stop", "orderly stops"))
}

fn damage(summary: &Summary) -> String {
    let kinds = summary.damage.iter().map(|(kind, number)| format!("{} ({})", count(*number), kind.text()));
    kinds.collect::<Vec<_>>().join(", ")
}

fn write_table(text: &mut String, table: &Table) {
    let cells = |row: &[String]| row.iter().map(|cell| printable(cell).into_owned()).collect::<Vec<_>>();
    let header = table.columns.iter().map(|&column| column.to_owned()).collect::<Vec<_>>();
    let rows = [header].into_iter().chain(table.rows.iter().map(|row| cells(row))).collect::<Vec<_>>();
    let _ = writeln!(text, "{}", table.title);
    for line in columns::lines(&rows, 1) {
        let _ = writeln!(text, "  {line}");
    }
    if !table.note.is_empty() {
        let _ = writeln!(text, "  {}", table.note);
    }
}

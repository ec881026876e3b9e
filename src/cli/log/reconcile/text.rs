//! The result of a comparison, for people.

use std::fmt::Write as _;

use super::super::{
    numbers::{count, counted, dollars},
    printable::printable,
};
use crate::{
    domain::cost,
    services::log_reconciliation::{Day, Reconciliation, Sums},
};

pub(super) fn format(result: &Reconciliation) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:10}  {}", "", heading());
    for Day { day, log, database, same } in &result.days {
        let _ = writeln!(text, "{day:10}  {}", row(log, if *same { "same" } else { "differs; the database has" }));
        if !same {
            let _ = writeln!(text, "{:10}  {}", "", row(database, ""));
        }
    }
    let _ = writeln!(text, "{:10}  {}", "log", row(&result.log, ""));
    let _ = writeln!(text, "{:10}  {}\n", "database", row(&result.database, ""));
    for difference in &result.differences {
        let _ = writeln!(text, "Different: {}", printable(&difference.text));
    }
    for range in &result.served {
        let _ = writeln!(text, "Service: {range}.");
    }
    for note in &result.notes {
        let _ = writeln!(text, "Note: {}.", printable(note));
    }
    let rows = counted(result.rows_compared, "row of a single turn was", "rows of single turns were");
    let _ = writeln!(text, "{rows} compared with the lines of the log.");
    let shown =
        if result.difference_count > result.differences.len() as u64 { "; the first ones are named" } else { "" };
    let _ = match result.difference_count {
        0 => {
            let left_out = left_out(result);
            writeln!(text, "Same: log and database have the same turns, errors, tokens and cost{left_out}.")
        }
        1 => writeln!(text, "Different: 1 difference."),
        number => writeln!(text, "Different: {} differences{shown}.", count(number)),
    };
    text
}

/// Returns what was not compared, as the end of a sentence.
fn left_out(result: &Reconciliation) -> String {
    let parts = [
        (result.deleted.turns, "that SESSION_LOG_KEEP has deleted"),
        (result.before.turns, "of days before the log's first line"),
        (result.earlier, "from before the database had sums by days"),
        (result.uncounted, "not counted yet"),
        (result.other_logs, "probably of another log"),
    ];
    let parts = parts.iter().filter(|(turns, _)| *turns > 0);
    let parts = parts.map(|(turns, what)| format!("{} {what}", counted(*turns, "turn", "turns"))).collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!("; not compared: {}", parts.join(", ")) }
}

fn heading() -> String {
    format!("{:>12} {:>10} {:>16} {:>16} {:>12}", "turns", "errors", "prompt tokens", "answer tokens", "cost")
}

fn row(sums: &Sums, state: &str) -> String {
    let Sums { turns, errors, prompt_tokens, completion_tokens, cost_pico_usd } = *sums;
    let [turns, errors, prompt, completion] = [turns, errors, prompt_tokens, completion_tokens].map(count);
    let usd = dollars(cost::dollars(cost_pico_usd));
    format!("{turns:>12} {errors:>10} {prompt:>16} {completion:>16} {usd:>12}  {state}").trim_end().to_owned()
}

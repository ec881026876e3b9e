//! The text of `docs/errors.md`.

use std::fmt::Write as _;

use super::{
    kind::{ErrorKind, RetryAfter, TurnErrorKind},
    table::{Rows, SECTIONS, Section},
};

const INTRODUCTION: &str = "\
# Errors

Every error response is a JSON object with `error` (a sentence for people), `code` (for programs) and `request_id`;
some have `details`. A code never changes its meaning. Several errors may share a code. In a stream, the same object is
the data of an `error` event, and `details.retry_after_seconds` replaces the `Retry-After` header.

This file is generated from `src/domain/errors/`. After a change there, run
`UPDATE_DOCS=1 cargo test --test api generated_docs`.
";

/// Returns the text of `docs/errors.md`.
#[must_use]
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in &SECTIONS {
        write_section(&mut text, section);
    }
    text
}

fn write_section(text: &mut String, section: &Section) {
    let _ = write!(text, "\n## {}\n\n", section.heading);
    match section.rows {
        Rows::Request(rows) => {
            text.push_str(
                "| code | status | meaning | what to do | `Retry-After` |\n| --- | --- | --- | --- | --- |\n",
            );
            for row in rows {
                write_row(text, row, "");
            }
        }
        Rows::Turn(rows) => {
            text.push_str("| code | status | meaning | what to do | `Retry-After` | retried by this server |\n");
            text.push_str("| --- | --- | --- | --- | --- | --- |\n");
            for row in rows {
                write_row(text, &row.error, &format!(" {} |", retries(row)));
            }
        }
    }
}

fn write_row(text: &mut String, row: &ErrorKind, further_cells: &str) {
    let ErrorKind { code, status, meaning, action, .. } = row;
    let retry_after = retry_after(row.retry_after);
    let _ = writeln!(text, "| `{code}` | {status} |{meaning} | {action} | {retry_after} |{further_cells}");
}

fn retry_after(rule: RetryAfter) -> String {
    match rule {
        RetryAfter::None => "no".to_owned(),
        RetryAfter::Seconds(seconds) => format!("{seconds} s"),
        RetryAfter::Stated => "yes".to_owned(),
        RetryAfter::StatedOr(seconds) => format!("as the provider states, or {seconds} s"),
    }
}

fn retries(row: &TurnErrorKind) -> &'static str {
    match (row.is_transient, row.should_fall_back) {
        (true, true) => "yes, then with another model",
        (true, false) => "yes",
        (false, true) => "with another model",
        (false, false) => "no",
    }
}

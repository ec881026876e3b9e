//! The result of a verification, for people.

use std::fmt::Write as _;

use super::super::{
    numbers::{count, counted},
    printable::printable,
};
use crate::services::log_verification::{Damage, LastLine, Verification};

pub(super) fn format(verification: &Verification) -> String {
    let mut text = String::new();
    for damage in &verification.damage {
        text += &named(damage);
    }
    let Verification { lines, files, processes, damage_count, .. } = verification;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{} of {} in {}.",
        counted(*lines, "line", "lines"),
        counted(processes.len() as u64, "process", "processes"),
        counted(*files as u64, "file", "files")
    );
    for (lines, what) in [
        (verification.unstamped, "no number, as in an earlier version: nothing is proven there"),
        (verification.unchained, "a number but no chain, as in an earlier version: only the numbers are proven"),
    ] {
        if lines > 0 {
            let _ = writeln!(text, "{} {what}.", counted(lines, "line has", "lines have"));
        }
    }
    if verification.has_keys {
        let _ = writeln!(
            text,
            "{} of {} proven by SESSION_LOG_KEY.",
            count(verification.proven_by_key),
            counted(*lines, "line is", "lines are")
        );
    }
    for note in &verification.notes {
        let _ = writeln!(text, "Note: {}.", printable(note));
    }
    if !verification.last_lines.is_empty() {
        let expect = |last: &LastLine| format!(" --expect {}:{}", last.seq, last.chain);
        let expect = verification.last_lines.iter().map(expect).collect::<String>();
        let _ = writeln!(text, "To find later whether the end was cut off:{expect}");
    }
    if *damage_count == 0 {
        text += match verification.unstamped + verification.unchained {
            _ if *lines == 0 => "No line was found, so nothing is proven.\n",
            0 => "Whole: no line is missing, altered, doubled or moved.\n",
            without if without == *lines => "No damage was found, but no line has a chain that proves it.\n",
            _ => "Whole, where lines have a chain: none is missing, altered, doubled or moved.\n",
        };
    } else {
        let shown = if *damage_count > verification.damage.len() as u64 { "; the first ones are named" } else { "" };
        let _ = writeln!(text, "Damaged: {}{shown}.", counted(*damage_count, "damage", "damages"));
    }
    text
}

fn named(damage: &Damage) -> String {
    let kind = damage.kind.name();
    let place = damage.place.as_ref().map(|(path, line)| format!("{}:{line}: ", path.display())).unwrap_or_default();
    format!("{}{kind}: {}\n", printable(&place), printable(&damage.text))
}

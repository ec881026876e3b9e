//! The result of a verification, for people.

use std::fmt::Write as _;

use super::super::{numbers::counted, printable::printable};
use crate::services::log_verification::{Damage, Verification};

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
        (verification.proven_by_secret, "a chain that is made with SESSION_LOG_KEY"),
    ] {
        if lines > 0 {
            let _ = writeln!(text, "{} {what}.", counted(lines, "line has", "lines have"));
        }
    }
    for note in &verification.notes {
        let _ = writeln!(text, "Note: {}.", printable(note));
    }
    if let Some(last) = processes.last()
        && let Some(chain) = &last.last_chain
    {
        let _ = writeln!(text, "To find later whether the end was cut off: --expect {}:{chain}", last.last_seq);
    }
    if *damage_count == 0 {
        text += "Whole: no line is missing, altered, doubled or moved.\n";
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

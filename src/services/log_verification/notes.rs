//! What is noted of a log: no damage, but a limit of what is proven.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{declared::DeclaredFiles, known_end::KnownEnd, log::Log, process::Checked, report::Report};
use crate::foundation::counted::counted;

/// Notes the beginning of a log, before which there was more.
pub(super) fn beginning(report: &mut Report<'_>, log: &Log, checked: &BTreeMap<Uuid, Checked>, is_partial: bool) {
    let Some(oldest) = checked.values().next() else { return };
    let (instance, seq) = (oldest.summary.instance, oldest.summary.first_seq);
    let follows_deleted = !is_partial && log.declared.instances().next().is_some_and(|deleted| deleted <= instance);
    if !follows_deleted && (seq > 1 || log.claims.iter().any(|claim| claim.by == instance && claim.end.is_some())) {
        let (file, _) = report.place(oldest.first);
        let before = match seq {
            1 => "earlier lines are of other processes".to_owned(),
            _ => format!("its lines 1 to {} are not there", seq - 1),
        };
        report.note(format!(
            "{} begins with line {seq} of process {instance}: {before}, and what was written before may have been deleted on \
             purpose",
            file.display()
        ));
    }
}

/// Notes processes that never closed the log.
pub(super) fn unclosed(
    report: &mut Report<'_>,
    log: &Log,
    checked: &BTreeMap<Uuid, Checked>,
    ends: &BTreeMap<Uuid, KnownEnd>,
    is_in_use: bool,
) {
    let newest = checked.keys().next_back();
    for process in checked.values().filter(|process| !process.summary.stopped) {
        let summary = &process.summary;
        if ends.get(&summary.instance).is_some_and(|end| end.seq > summary.last_seq) {
            // Its last lines are deleted.
            continue;
        }
        let (instance, last_seq) = (summary.instance.to_string(), summary.last_seq);
        let mut found = log.claims.iter().filter_map(|claim| claim.end.as_ref());
        let is_claimed = found.any(|end| end.instance == instance && end.seq == last_seq);
        let state = match (Some(&summary.instance) == newest, is_claimed) {
            (true, _) if is_in_use => "is running",
            (true, _) => "has no service_stop: it runs, was killed, or its last lines were removed",
            (false, true) => "has no service_stop: it was killed, and the next start has found the same last line",
            (false, false) => "has no service_stop, and no later start names its last line",
        };
        report.note(format!("process {instance}, last line {last_seq}, {state}"));
    }
}

/// Notes lines that declare others deleted, and are ignored.
pub(super) fn ignored(report: &mut Report<'_>, count: u64) {
    if count > 0 {
        report.note(format!(
            "{count} of the lines log_deleted are ignored: they were written without the key of other lines, or do not follow \
             a line that is there"
        ));
    }
}

/// Notes what is declared deleted.
pub(super) fn deleted(report: &mut Report<'_>, declared: &DeclaredFiles, is_partial: bool) {
    let DeclaredFiles { gone, present, lines } = declared;
    report.result.deleted = report.result.deleted.saturating_add(*lines);
    let lines = counted(*lines, "line", "lines");
    if let Some(files) = named(gone) {
        let note = if is_partial {
            format!("{files} declared deleted by SESSION_LOG_KEEP, with {lines}")
        } else {
            let follows = if report.result.damage_count == 0 { "; the log follows their end" } else { "" };
            format!("{files} deleted by SESSION_LOG_KEEP, with {lines}{follows}")
        };
        report.note(note);
    }
    if let Some(files) = named(present) {
        report.note(format!(
            "{files} declared deleted by SESSION_LOG_KEEP, but the lines are still there: the deletion has failed or was \
             interrupted, and the service tries it again"
        ));
    }
}

/// Returns files as the subject of a sentence in the past; `None` if there are none.
fn named(files: &BTreeSet<String>) -> Option<String> {
    let (first, last) = files.first().zip(files.last())?;
    let count = files.len();
    Some(if count == 1 { format!("{first} was") } else { format!("{count} files, {first} to {last}, were") })
}

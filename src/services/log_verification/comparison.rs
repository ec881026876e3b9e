//! The comparison of processes with each other, and with what each start says about the process before.

use std::{collections::BTreeMap, ops::Bound};

use uuid::Uuid;

use super::{
    claim::Claim,
    damage::{Damage, DamageKind},
    finding::{Finding, FindingPlace},
    known_end::KnownEnd,
    process::Checked,
    report::Report,
};
use crate::foundation::compression::Compression;

/// Compares what each start says about the process before with what is known of that.
pub(super) fn claims(report: &mut Report<'_>, claims: &[Claim], ends: &BTreeMap<Uuid, KnownEnd>) {
    for claim in claims {
        // No line has the number 0.
        let end = claim.end.as_ref().filter(|end| end.seq > 0);
        let (Some(instance), Some(claimed)) = (claim.previous(), end) else { continue };
        let Claim { by, at, .. } = claim;
        let (first_missing, after) = match ends.get(&instance) {
            Some(end) if end.seq < claimed.seq => (end.seq + 1, end.line()),
            Some(end) => {
                if end.seq == claimed.seq && end.differs_from(claimed.chain.as_deref()) {
                    let place = Some(report.place(end.place.place()));
                    let text = format!(
                        "the last line of process {instance} is not the one that the start of process {by} has found"
                    );
                    let seqs = Some((claimed.seq, claimed.seq));
                    let (kind, lines) = (DamageKind::Altered, 1);
                    report.result.add(Damage { kind, place, instance: Some(instance), seqs, lines, text });
                }
                continue;
            }
            None => match ends.range(..instance).next_back() {
                Some((_, before)) => (1, before.line()),
                None => continue,
            },
        };
        report.add_finding(instance, &Finding::missing(FindingPlace::Line(*at), after, first_missing, claimed.seq));
    }
}

/// Reports processes that a start should have found before it, but has not. Those with a key have not been added by somebody
/// else, but their files may have been archived when the service was stopped.
pub(super) fn additions(report: &mut Report<'_>, claims: &[Claim], checked: &BTreeMap<Uuid, Checked>) {
    // A line of a start that is there twice says the same.
    let claims = claims.iter().map(|claim| (claim.by, claim)).collect::<BTreeMap<_, _>>();
    for claim in claims.into_values().filter(|claim| claim.end.is_none() || claim.previous().is_some()) {
        let after = claim.previous().map_or(Bound::Unbounded, Bound::Excluded);
        if claim.previous() >= Some(claim.by) {
            continue;
        }
        let mut added = checked.range((after, Bound::Excluded(claim.by)));
        let Some((instance, process)) = added.next_back() else { continue };
        let others = match added.count() {
            0 => String::new(),
            others => format!(", and {others} before it"),
        };
        let found = claim.previous().map_or("none".to_owned(), |previous| format!("process {previous}"));
        let text = format!(
            "process {instance} is there{others}, but the start of process {} has found {found} as the one before",
            claim.by
        );
        if process.summary.has_key {
            report.note(format!("{text}, which is right if its files were not in the folder then"));
            continue;
        }
        if report.files[process.last.file].compression != Compression::None {
            report.note(format!("{text}, which is right if its file was compressed then"));
            continue;
        }
        let text = format!("{text}: its lines were added since, or were not in the folder then");
        add_process(report, DamageKind::Added, process, text);
    }
}

/// Reports processes that had no key after others that had one.
pub(super) fn keys(report: &mut Report<'_>, checked: &BTreeMap<Uuid, Checked>) {
    let processes = checked.values().skip_while(|process| !process.summary.has_key);
    // Of a process of which no line follows another one, the key is not known.
    for process in processes.filter(|process| process.is_key_known && !process.summary.has_key) {
        let text = format!(
            "process {} has chained its lines without a key, although an earlier one had one: anybody can have written \
             them",
            process.summary.instance
        );
        add_process(report, DamageKind::Unkeyed, process, text);
    }
}

/// Reports processes without chains after others that had them.
pub(super) fn unchained(report: &mut Report<'_>, checked: &BTreeMap<Uuid, Checked>) {
    let has_chains = |process: &Checked| process.unchained == 0;
    let processes = checked.values().skip_while(|process| !has_chains(process));
    for process in processes.filter(|process| process.summary.last_chain.is_none() && !has_chains(process)) {
        let text = format!(
            "process {} has no chains, although an earlier one has them: an earlier version has written its lines, or \
             somebody has added them",
            process.summary.instance
        );
        add_process(report, DamageKind::Unproven, process, text);
    }
}

/// Adds a damage to all lines of a process.
fn add_process(report: &mut Report<'_>, kind: DamageKind, process: &Checked, text: String) {
    let summary = &process.summary;
    let (first, last) = (summary.first_seq, summary.last_seq);
    let (instance, place) = (Some(summary.instance), Some(report.place(process.first)));
    let (seqs, lines) = (Some((first, last)), last - first + 1);
    report.result.add(Damage { kind, place, instance, seqs, lines, text });
}

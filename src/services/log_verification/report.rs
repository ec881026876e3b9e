//! Damages and notes of a log, in words.

use std::path::PathBuf;

use uuid::Uuid;

use super::{
    damage::{Damage, DamageKind},
    finding::{Finding, FindingPlace},
    place::Place,
    verification::Verification,
};
use crate::adapters::log_files::LogFile;

/// Adds damages and notes to the result.
pub(super) struct Report<'a> {
    pub(super) files: &'a [LogFile],
    pub(super) result: &'a mut Verification,
}

impl Report<'_> {
    /// Returns the file and the number of a line.
    pub(super) fn place(&self, place: Place) -> (PathBuf, u64) {
        (self.files[place.file].path.clone(), place.line)
    }

    fn are_days_between(&self, after: Place, place: Place) -> bool {
        let [after, before] = [after, place].map(|place| self.files[place.file].date);
        after.zip(before).is_some_and(|(after, before)| after.tomorrow().is_ok_and(|next| next < before))
    }

    /// Adds a damage at a line of no known process.
    pub(super) fn add_at(&mut self, kind: DamageKind, place: Place, lines: u64, text: String) {
        let place = Some(self.place(place));
        self.result.add(Damage { kind, place, instance: None, seqs: None, lines, text });
    }

    /// Adds what is wrong with the lines of a process.
    pub(super) fn add_finding(&mut self, instance: Uuid, finding: &Finding) {
        let Finding { first_seq, last_seq, .. } = *finding;
        let kind = self.kind_of(finding);
        let text = self.text_of(instance, finding, kind);
        let place = Some(self.place(finding.place.place()));
        let (seqs, lines) = (Some((first_seq, last_seq)), last_seq - first_seq + 1);
        self.result.add(Damage { kind, place, instance: Some(instance), seqs, lines, text });
    }

    fn kind_of(&self, finding: &Finding) -> DamageKind {
        let are_files_missing = match (finding.kind, finding.place, finding.after) {
            (DamageKind::Missing, FindingPlace::Line(place), Some(after)) => self.are_days_between(after, place),
            _ => false,
        };
        if are_files_missing { DamageKind::FileMissing } else { finding.kind }
    }

    fn text_of(&self, instance: Uuid, finding: &Finding, kind: DamageKind) -> String {
        let Finding { place, after, first_seq, last_seq, .. } = *finding;
        let is_one = first_seq == last_seq;
        let name = if is_one { format!("line {first_seq}") } else { format!("lines {first_seq} to {last_seq}") };
        let (is, has) = if is_one { ("is", "has") } else { ("are", "have") };
        match kind {
            DamageKind::Missing if matches!(place, FindingPlace::Declaration(_)) => {
                format!("{name} of process {instance} {is} missing before those that this line declares deleted")
            }
            DamageKind::Missing => format!("{name} of process {instance} {is} missing before this line"),
            DamageKind::FileMissing => {
                let before = after.map(|after| self.place(after).0.display().to_string()).unwrap_or_default();
                format!("{name} of process {instance} {is} missing between the last line of {before} and this one")
            }
            DamageKind::Altered => format!("{name} of process {instance}, or its chain, was altered"),
            DamageKind::Duplicated => format!("{name} of process {instance} {is} there once more"),
            DamageKind::Reordered => {
                let they = if is_one { "it was" } else { "they were" };
                format!("{name} of process {instance} {is} not where {they} written")
            }
            DamageKind::Unproven => format!(
                "{name} of process {instance} cannot be compared with the line before: too many long lines are far from \
                 their predecessors"
            ),
            DamageKind::UnknownKey => {
                let key = if self.result.has_keys {
                    "fits none of the keys in SESSION_LOG_KEY: it was made with another one"
                } else {
                    "needs a key, and SESSION_LOG_KEY is not set: it was made with one"
                };
                format!("the chain of {name} of process {instance} {key}, or all {has} been rewritten")
            }
            kind => kind.name().to_owned(),
        }
    }

    /// Adds a note.
    pub(super) fn note(&mut self, text: String) {
        self.result.notes.push(text);
    }
}

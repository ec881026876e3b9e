//! What is wrong with the runs of a process, found by going through them in the order of their numbers.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    damage::DamageKind,
    declared::DeclaredLines,
    finding::{Finding, FindingPlace},
    keys::Keys,
    place::Place,
    run::{Link, Run},
};
use crate::{adapters::log_files::LogFile, domain::log_chain::Chain};

/// The last place so far in the files of each date. Files without a date are in no order among each other.
#[derive(Debug, Default)]
pub(super) struct LatestPlaces(BTreeMap<(Option<Date>, Option<usize>), Place>);

impl LatestPlaces {
    /// Adds a run with higher numbers than those before. Returns whether its first line stands before one of those.
    fn add(&mut self, run: &Run, files: &[LogFile]) -> bool {
        let group = |Place { file, .. }| (files[file].date, files[file].date.is_none().then_some(file));
        let is_before = self.0.get(&group(run.first)).is_some_and(|latest| run.first < *latest);
        let latest = self.0.entry(group(run.last)).or_insert(run.last);
        *latest = run.last.max(*latest);
        is_before
    }
}

/// Goes through the runs in the order of their numbers.
pub(super) struct Walk<'a> {
    pub(super) files: &'a [LogFile],
    pub(super) has_chains: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) declared: &'a DeclaredLines,
    pub(super) latest: &'a mut LatestPlaces,
}

impl Walk<'_> {
    pub(super) fn find(&mut self, kind: DamageKind, place: Place, after: Option<Place>, first_seq: u64, last_seq: u64) {
        self.findings.push(Finding { kind, place: FindingPlace::Line(place), after, first_seq, last_seq });
    }

    /// Finds the missing lines that are not declared deleted.
    pub(super) fn find_missing(&mut self, first_seq: u64, last_seq: u64, after: Option<Place>, next: FindingPlace) {
        if first_seq <= last_seq {
            self.findings.extend(self.declared.missing(first_seq, last_seq, after, next));
        }
    }

    /// Decides whether the first line of a run follows the chain before, if that is known.
    pub(super) fn follow(&mut self, before: Option<Chain>, key: Option<usize>, run: &mut Run, keys: &mut Keys) {
        run.follow(before, key, keys);
        if before.is_some() && run.link == Link::Unknown {
            self.find(DamageKind::Unproven, run.first, None, run.first_seq, run.first_seq);
        }
    }

    pub(super) fn add(&mut self, run: &Run) {
        let (first, last) = (run.first_seq, run.last_seq);
        if run.link == Link::Unchained && self.has_chains {
            self.find(DamageKind::Altered, run.first, None, first, last);
        } else if run.broken > 0 {
            self.find(DamageKind::Altered, run.first, None, first, first + run.broken - 1);
        }
        if run.is_misplaced | self.latest.add(run, self.files) {
            self.find(DamageKind::Reordered, run.first, None, first, last);
        }
    }
}

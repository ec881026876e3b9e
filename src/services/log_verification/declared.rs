//! The lines that a log declares deleted.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    declaration::{Declaration, chain_of},
    finding::{Finding, FindingPlace},
    place::Place,
};
use crate::{adapters::session_log::LogDeleted, domain::log_chain::Chain, foundation::compression::Compression};

/// All declarations of a log.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    processes: BTreeMap<Uuid, DeclaredLines>,
    /// The files by their names without the ending of compressed ones: a file may be declared before and after its compression.
    files: BTreeMap<String, DeclaredFile>,
}

/// A file that is declared deleted, once or several times.
#[derive(Debug, Default)]
struct DeclaredFile {
    /// The name in the last declaration.
    name: String,
    /// The runs of numbered lines: the process, and the first and the last number.
    runs: BTreeSet<(Uuid, u64, u64)>,
    /// The number of lines without a number.
    unnumbered: u64,
}

/// The files that are declared deleted, as far as they are.
#[derive(Debug, Default)]
pub(super) struct DeclaredFiles {
    /// The names of the files whose lines are gone.
    pub(super) gone: BTreeSet<String>,
    /// The names of the files whose lines are there.
    pub(super) present: BTreeSet<String>,
    /// The number of declared lines that are gone.
    pub(super) lines: u64,
}

/// The lines of one process that are declared deleted.
#[derive(Debug, Default)]
pub(super) struct DeclaredLines {
    /// The first and the last number of ranges that do not touch each other.
    ranges: BTreeMap<u64, u64>,
    /// The ends of the declared runs by their numbers.
    ends: BTreeMap<u64, DeclaredEnd>,
}

/// The last line of a declared run.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclaredEnd {
    /// The number of the run's first line.
    pub(super) first: u64,
    pub(super) seq: u64,
    pub(super) chain: Option<Chain>,
    /// The place of the declaring line.
    pub(super) place: Place,
}

impl Declarations {
    /// Adds what a line declares that is believed.
    pub(super) fn add(&mut self, Declaration { place, event, .. }: Declaration) {
        for run in &event.runs {
            if let Ok(instance) = run.instance.parse() {
                let end = DeclaredEnd { first: run.first_seq, seq: run.last_seq, chain: chain_of(run), place };
                self.processes.entry(instance).or_default().add(end);
            }
        }
        self.add_file(event);
    }

    fn add_file(&mut self, event: LogDeleted) {
        let file = self.files.entry(Compression::split_name(&event.file).1.to_owned()).or_default();
        let mut numbered = 0_u64;
        for run in &event.runs {
            numbered = numbered.saturating_add(run.last_seq - run.first_seq).saturating_add(1);
            file.runs.extend(run.instance.parse().map(|instance| (instance, run.first_seq, run.last_seq)));
        }
        // Of several events of one declaration, only the first has these lines.
        file.unnumbered = file.unnumbered.max(event.lines.saturating_sub(numbered));
        file.name = event.file;
    }

    /// Returns the processes that have declared lines.
    pub(super) fn instances(&self) -> impl Iterator<Item = Uuid> {
        self.processes.keys().copied()
    }

    /// Returns the declared lines of a process.
    pub(super) fn of(&self, instance: Uuid) -> Option<&DeclaredLines> {
        self.processes.get(&instance)
    }

    /// Returns the declared lines of a process, or of all processes.
    pub(super) fn of_any(&self, instance: Option<Uuid>) -> impl Iterator<Item = &DeclaredLines> {
        self.processes
            .iter()
            .filter(move |(own, _)| instance.is_none_or(|instance| **own == instance))
            .map(|(_, lines)| lines)
    }

    /// Returns the declared files. `count` returns how many lines of a process are there from one number to another, and
    /// `is_listed` whether a file with a name is there.
    pub(super) fn files(
        &self,
        count: impl Fn(Uuid, u64, u64) -> u64,
        is_listed: impl Fn(&str) -> bool,
    ) -> DeclaredFiles {
        let mut files = DeclaredFiles::default();
        let gone = |instance, first: u64, last: u64| (last - first + 1).saturating_sub(count(instance, first, last));
        for file in self.files.values() {
            let are_lines_present = file.runs.iter().all(|&(instance, first, last)| gone(instance, first, last) == 0);
            if are_lines_present && (!file.runs.is_empty() || is_listed(&file.name)) {
                files.present.insert(file.name.clone());
            } else {
                files.gone.insert(file.name.clone());
                files.lines = files.lines.saturating_add(file.unnumbered);
            }
        }
        for (instance, lines) in &self.processes {
            for (first, last) in &lines.ranges {
                files.lines = files.lines.saturating_add(gone(*instance, *first, *last));
            }
        }
        files
    }
}

impl DeclaredLines {
    fn add(&mut self, end: DeclaredEnd) {
        self.ends.insert(end.seq, end);
        let (mut first, mut last) = (end.first, end.seq);
        // Ranges that overlap or touch this one become one with it.
        let touches = |(from, to): (&u64, &u64), first: u64, last: u64| {
            *from <= last.saturating_add(1) && first <= to.saturating_add(1)
        };
        while let Some((&from, &to)) = self.ranges.iter().find(|range| touches(*range, first, last)) {
            self.ranges.remove(&from);
            (first, last) = (first.min(from), last.max(to));
        }
        self.ranges.insert(first, last);
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.ranges.range(..=seq).next_back().is_some_and(|(_, last)| seq <= *last)
    }

    /// Returns the chain of the line with this number, if it is the last one of a declared run.
    pub(super) fn chain_of(&self, seq: u64) -> Option<Chain> {
        self.ends.get(&seq)?.chain
    }

    /// Returns the number of the first declared line.
    pub(super) fn first(&self) -> Option<u64> {
        self.ranges.first_key_value().map(|(first, _)| *first)
    }

    /// Returns the ends of the declared runs.
    pub(super) fn ends(&self) -> impl Iterator<Item = DeclaredEnd> {
        self.ends.values().copied()
    }

    /// Returns the runs of which no line is there, or each one: a file is deleted as a whole. `count` returns how many lines
    /// are there from one number to another.
    pub(super) fn without_parts(&self, count: impl Fn(u64, u64) -> u64) -> Self {
        let mut lines = Self::default();
        for end in self.ends() {
            let there = count(end.first, end.seq);
            if there == 0 || there == end.seq - end.first + 1 {
                lines.add(end);
            }
        }
        lines
    }

    /// Returns the last declared line.
    pub(super) fn end(&self) -> Option<DeclaredEnd> {
        self.ends.last_key_value().map(|(_, end)| *end)
    }

    /// Returns the missing lines from `first` to `last` that are not declared: those before declared ones with the place of
    /// the declaring line, and those at the end with `next`. `after` is the place of the line before `first`.
    pub(super) fn missing(&self, first: u64, last: u64, after: Option<Place>, next: FindingPlace) -> Vec<Finding> {
        let (mut findings, mut from) = (Vec::new(), first);
        let mut find = |from: u64, to: u64, place| {
            let after = after.filter(|_| from == first);
            findings.extend((from <= to).then(|| Finding::missing(place, after, from, to)));
        };
        for (&declared_first, &declared_last) in &self.ranges {
            if declared_last < from || declared_first > last {
                continue;
            }
            let declaring =
                self.ends.range(declared_first..).next().map(|(_, end)| FindingPlace::Declaration(end.place));
            find(from, declared_first.saturating_sub(1), declaring.unwrap_or(next));
            from = declared_last.saturating_add(1);
        }
        find(from, last, next);
        findings
    }

    /// Returns what is missing of a process whose lines are all deleted or missing. Of the oldest process, the first lines may
    /// have been deleted before that was declared.
    pub(super) fn missing_of_all(&self, is_oldest: bool) -> Vec<Finding> {
        let (Some(first), Some(end)) = (self.first(), self.end()) else { return Vec::new() };
        self.missing(if is_oldest { first } else { 1 }, end.seq, None, FindingPlace::Declaration(end.place))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(runs: &[(u64, u64)]) -> DeclaredLines {
        let mut lines = DeclaredLines::default();
        for &(first, last) in runs {
            lines.add(DeclaredEnd { first, seq: last, chain: None, place: Place { file: 0, line: last } });
        }
        lines
    }

    proptest! {
        #[test]
        fn each_undeclared_line_is_missing(runs in proptest::collection::vec((1_u64..40, 0_u64..8), 0..12), first in 1_u64..50, count in 0_u64..40) {
            let runs = runs.into_iter().map(|(first, more)| (first, first + more)).collect::<Vec<_>>();
            let (declared, last) = (lines(&runs), first + count);
            let next = FindingPlace::Line(Place { file: 1, line: 1 });
            let found = declared.missing(first, last, None, next);
            let found = found.iter().flat_map(|finding| finding.first_seq..=finding.last_seq).collect::<Vec<_>>();
            let is_declared = |seq: &u64| runs.iter().any(|(first, last)| (first..=last).contains(&seq));
            prop_assert_eq!(found, (first..=last).filter(|seq| !is_declared(seq)).collect::<Vec<_>>());
            prop_assert!((1..50).all(|seq| declared.contains(seq) == is_declared(&seq)));
        }
    }
}

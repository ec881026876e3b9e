//! The lines that the log declares deleted, since they are older than `SESSION_LOG_KEEP` days.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{adapters::session_log::LogDeleted, domain::log_position::LogPosition};

/// The lines that the log declares deleted. Whether the declarations were altered is seen by `al-chat log verify`.
#[derive(Debug, Default)]
pub(super) struct DeletedLines {
    /// The first and the last number of each run of lines, by their process.
    runs: BTreeMap<Uuid, Vec<(u64, u64)>>,
}

impl DeletedLines {
    /// Adds what the line at a position declares. Only lines before it can have been deleted.
    pub(super) fn add(&mut self, at: LogPosition, declared: &LogDeleted) {
        for run in &declared.runs {
            if let Ok(instance) = run.instance.parse()
                && (LogPosition { instance, seq: run.last_seq }) < at
            {
                self.runs.entry(instance).or_default().push((run.first_seq, run.last_seq));
            }
        }
    }

    /// Returns whether a line is declared deleted.
    pub(super) fn contains(&self, line: LogPosition) -> bool {
        self.of(line.instance).iter().any(|(first, last)| (*first..=*last).contains(&line.seq))
    }

    /// Returns the last line that is declared deleted.
    pub(super) fn end(&self) -> Option<LogPosition> {
        let (instance, runs) = self.runs.last_key_value()?;
        let seq = runs.iter().map(|(_, last)| *last).max()?;
        Some(LogPosition { instance: *instance, seq })
    }

    /// Returns those ranges of a process's lines that are not declared deleted.
    pub(super) fn without(&self, instance: Uuid, mut lines: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
        for (first, last) in self.of(instance) {
            let parts = lines.into_iter().flat_map(|(from, to)| {
                let before = (from, to.min(first.saturating_sub(1)));
                let after = (from.max(last.saturating_add(1)), to);
                // A range without a deleted line is in one of both parts as a whole.
                if to < *first || *last < from { [(from, to), (1, 0)] } else { [before, after] }
            });
            lines = parts.filter(|(from, to)| from <= to).collect();
        }
        lines
    }

    fn of(&self, instance: Uuid) -> &[(u64, u64)] {
        self.runs.get(&instance).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::adapters::session_log::DeletedRun;

    fn at(instance: u128, seq: u64) -> LogPosition {
        LogPosition { instance: Uuid::from_u128(instance), seq }
    }

    fn declared(runs: &[(u128, u64, u64)]) -> LogDeleted {
        let run = |(instance, first_seq, last_seq): &(u128, u64, u64)| DeletedRun {
            instance: Uuid::from_u128(*instance).to_string(),
            first_seq: *first_seq,
            last_seq: *last_seq,
            chain: None,
        };
        LogDeleted { file: "file".to_owned(), lines: 1, runs: runs.iter().map(run).collect() }
    }

    proptest! {
        #[test]
        fn what_is_not_deleted_is_left(
            runs in prop::collection::vec((1_u64..40, 0_u64..8), 0..6),
            ranges in prop::collection::vec((1_u64..40, 0_u64..20), 0..4),
        ) {
            let mut deleted = DeletedLines::default();
            let runs = runs.into_iter().map(|(first, more)| (4, first, first + more)).collect::<Vec<_>>();
            deleted.add(at(5, 1), &declared(&runs));
            for (first, more) in ranges {
                let last = first + more;
                let left = deleted.without(Uuid::from_u128(4), vec![(first, last)]);
                let left = left.into_iter().flat_map(|(first, last)| first..=last).collect::<Vec<_>>();
                let expected = (first..=last).filter(|seq| !deleted.contains(at(4, *seq))).collect::<Vec<_>>();
                prop_assert_eq!(left, expected);
            }
        }
    }

    #[test]
    fn only_lines_before_the_declaration_are_deleted() {
        let mut deleted = DeletedLines::default();
        deleted.add(at(4, 9), &declared(&[(3, 1, 20), (4, 1, 8), (4, 7, 9), (5, 1, 1)]));
        let contains = |instance, seq| deleted.contains(at(instance, seq));
        assert!(contains(3, 1) && contains(3, 20) && contains(4, 8));
        assert!(!contains(4, 9) && !contains(5, 1) && !contains(3, 21));
        assert_eq!(deleted.end(), Some(at(4, 8)));
        assert_eq!(DeletedLines::default().end(), None);
    }
}

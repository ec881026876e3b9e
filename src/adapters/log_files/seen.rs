//! The lines of a log that were seen, by their positions: while it is followed, or in all its files.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::log_position::LogPosition;

/// The positions of the lines that were seen: all up to one, and ranges after it.
#[derive(Debug, Default)]
pub struct SeenLines {
    /// The position up to which all lines were written before the log was followed.
    start: Option<LogPosition>,
    /// The first and the last number of each range of lines, by their process.
    ranges: BTreeMap<Uuid, BTreeMap<u64, u64>>,
}

impl SeenLines {
    /// Adds all lines up to a position, which were written before.
    pub(super) fn add_up_to(&mut self, position: LogPosition) {
        self.start = self.start.max(Some(position));
    }

    /// Returns whether a line was seen.
    #[must_use]
    pub fn contains(&self, position: LogPosition) -> bool {
        let range = || self.ranges.get(&position.instance)?.range(..=position.seq).next_back();
        Some(position) <= self.start || range().is_some_and(|(_, last)| position.seq <= *last)
    }

    /// Returns the first and the last number of each range of a process's lines, in their order.
    pub fn ranges(&self, instance: Uuid) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.get(&instance).into_iter().flatten().map(|(first, last)| (*first, *last))
    }

    /// Returns the processes with lines, the oldest first.
    pub fn instances(&self) -> impl Iterator<Item = Uuid> {
        self.ranges.keys().copied()
    }

    /// Adds a line. Returns whether it is new.
    pub fn add(&mut self, position: LogPosition) -> bool {
        if self.contains(position) {
            return false;
        }
        let ranges = self.ranges.entry(position.instance).or_default();
        let last = ranges.remove(&position.seq.saturating_add(1)).unwrap_or(position.seq);
        match ranges.range_mut(..position.seq).next_back() {
            Some((_, before)) if *before + 1 == position.seq => *before = last,
            _ => {
                ranges.insert(position.seq, last);
            }
        }
        true
    }

    /// Adds the lines of a process from one number to another. Returns the ranges of those that are not new.
    pub fn add_range(&mut self, instance: Uuid, first: u64, last: u64) -> Vec<(u64, u64)> {
        let ranges = self.ranges.entry(instance).or_default();
        let before = ranges.range(..first).next_back().filter(|(_, end)| end.saturating_add(1) >= first);
        let start = before.map_or(first, |(start, _)| *start);
        let near = ranges.range(start..=last.saturating_add(1)).map(|(start, end)| (*start, *end)).collect::<Vec<_>>();
        let (mut joined, mut known) = ((first, last), Vec::new());
        for (start, end) in near {
            ranges.remove(&start);
            joined = (joined.0.min(start), joined.1.max(end));
            known.push((start.max(first), end.min(last)));
        }
        ranges.insert(joined.0, joined.1);
        // Ranges that only touch have no line in common.
        known.retain(|(first, last)| first <= last);
        known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_line_is_new_once(seqs in proptest::collection::vec(1_u64..30, 0..60)) {
            let at = |seq| LogPosition { instance: Uuid::from_u128(5), seq };
            let (mut seen, mut known) = (SeenLines::default(), std::collections::BTreeSet::new());
            seen.add_up_to(at(3));
            for seq in seqs {
                prop_assert_eq!(seen.add(at(seq)), seq > 3 && known.insert(seq));
            }
            // Ranges that touch are one.
            let gaps = known.iter().filter(|seq| **seq > 3 && !known.contains(&(*seq - 1))).count();
            prop_assert_eq!(seen.ranges.get(&Uuid::from_u128(5)).map_or(0, BTreeMap::len), gaps);
        }
    }

    proptest! {
        #[test]
        fn ranges_are_added_as_their_lines_would_be(added in proptest::collection::vec((1_u64..40, 0_u64..9), 0..20)) {
            let instance = Uuid::from_u128(5);
            let (mut by_range, mut by_line) = (SeenLines::default(), SeenLines::default());
            for (first, count) in added {
                let known = by_range.add_range(instance, first, first + count);
                let known = known.into_iter().flat_map(|(first, last)| first..=last).collect::<Vec<_>>();
                let is_known = |seq: &u64| !by_line.add(LogPosition { instance, seq: *seq });
                prop_assert_eq!(known, (first..=first + count).filter(is_known).collect::<Vec<_>>());
            }
            prop_assert!(by_range.ranges(instance).eq(by_line.ranges(instance)));
        }
    }

    #[test]
    fn lines_of_earlier_processes_were_written_before() {
        let at = |instance, seq| LogPosition { instance: Uuid::from_u128(instance), seq };
        let mut seen = SeenLines::default();
        seen.add_up_to(at(5, 3));
        assert!([at(4, 9), at(5, 3)].iter().all(|position| seen.contains(*position)));
        assert!(![at(5, 4), at(6, 1)].iter().any(|position| seen.contains(*position)));
    }
}

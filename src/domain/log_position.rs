//! Positions in the session log, and the part of it that the database holds.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::log_chain::Chain;

/// The position of a line in the session log. Positions sort in the order in which lines were written, since each process
/// has a greater id than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The id of the process that wrote the line, a UUIDv7.
    pub instance: Uuid,
    /// The number of the line: 1, 2, 3 and so on for each process.
    pub seq: u64,
}

/// The end of the lines that one process has written so far: the position and the chain of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The position of the last line.
    pub position: LogPosition,
    /// The chain of the last line.
    pub chain: Chain,
}

impl LogEnd {
    /// Returns the end of a process that has written nothing: its first line has the number 1 and follows
    /// [`Chain::START`].
    #[must_use]
    pub fn start(instance: Uuid) -> Self {
        Self { position: LogPosition { instance, seq: 0 }, chain: Chain::START }
    }
}

/// A record of the lines of one process that the database holds: the number of the last one, and of missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceCount {
    /// The id of the process.
    pub instance: Uuid,
    /// The number of the last line up to which the database holds all turns and stops.
    pub counted: u64,
    /// The chain of that line; `None` if it has none, or if the database does not hold it.
    pub chain: Option<Chain>,
    /// The number of lines up to there that were missing from the log; 1 for an unknown number.
    pub missing: u64,
    /// Whether the process has ended, and nothing of its lines remains to be counted.
    pub is_complete: bool,
}

/// The lines of one session log that the database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountedLines(BTreeMap<Uuid, InstanceCount>);

impl CountedLines {
    /// Replaces what is counted of a process, and adds to its missing lines.
    pub fn add(&mut self, count: InstanceCount) {
        let missing = self.0.get(&count.instance).map_or(0, |before| before.missing);
        self.0.insert(count.instance, InstanceCount { missing: missing + count.missing, ..count });
    }

    /// Returns whether the database holds nothing of the log.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what is held of each process, the oldest first.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceCount> {
        self.0.values()
    }

    /// Returns what is held of a process.
    #[must_use]
    pub fn of(&self, instance: Uuid) -> Option<&InstanceCount> {
        self.0.get(&instance)
    }

    /// Returns the position up to which all lines are counted; `None` if the database holds nothing of the log.
    #[must_use]
    pub fn end(&self) -> Option<LogPosition> {
        let complete = self.0.keys().next_back().map(|&instance| LogPosition { instance, seq: u64::MAX });
        self.incomplete().next().or(complete)
    }

    /// Returns the last counted line of each process whose lines may not all be counted, the oldest process first.
    pub fn incomplete(&self) -> impl Iterator<Item = LogPosition> {
        let incomplete = self.0.values().filter(|count| !count.is_complete);
        incomplete.map(|count| LogPosition { instance: count.instance, seq: count.counted })
    }

    /// Returns the number of the last counted line of a process; `None` if all its lines are counted, as are those of
    /// earlier processes that the database does not hold. A process that is newer than all that it holds ran after a
    /// backup of the database that was restored since.
    #[must_use]
    pub fn counted(&self, instance: Uuid) -> Option<u64> {
        match self.0.get(&instance) {
            Some(count) => (!count.is_complete).then_some(count.counted),
            None => self.0.keys().next_back().is_some_and(|newest| *newest < instance).then_some(0),
        }
    }

    /// Returns whether a line is counted.
    #[must_use]
    pub fn contains(&self, position: LogPosition) -> bool {
        self.counted(position.instance).is_none_or(|counted| position.seq <= counted)
    }
}

impl FromIterator<InstanceCount> for CountedLines {
    fn from_iter<T: IntoIterator<Item = InstanceCount>>(counts: T) -> Self {
        Self(counts.into_iter().map(|count| (count.instance, count)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instance: u128, seq: u64) -> LogPosition {
        LogPosition { instance: Uuid::from_u128(instance), seq }
    }

    fn count(instance: u128, counted: u64, is_complete: bool) -> InstanceCount {
        InstanceCount { instance: Uuid::from_u128(instance), counted, chain: None, missing: 0, is_complete }
    }

    #[test]
    fn lines_after_the_counted_ones_and_of_newer_processes_remain() {
        let counted = CountedLines::from_iter([count(4, 9, true), count(6, 5, false)]);
        for position in [at(3, 1), at(4, 99), at(5, 1), at(6, 5)] {
            assert!(counted.contains(position), "{position:?}");
        }
        for position in [at(6, 6), at(7, 1)] {
            assert!(!counted.contains(position), "{position:?}");
        }
        assert_eq!(counted.end(), Some(at(6, 5)));
    }

    #[test]
    fn everything_up_to_the_last_complete_process_is_counted() {
        let counted = CountedLines::from_iter([count(4, 9, true), count(6, 5, true)]);
        assert_eq!(counted.end(), Some(at(6, u64::MAX)));
        assert_eq!(CountedLines::default().end(), None);
        assert!(CountedLines::default().contains(at(9, 1)));
    }
}

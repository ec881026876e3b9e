//! Lines that are in the log more than once, such as those of a file whose compressed copy is beside it.

use crate::{adapters::log_files::SeenLines, domain::log_position::LogPosition};

/// Lines of a file that follow each other, and were written one after the other by one process.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The position of the first line.
    start: LogPosition,
    first_line: u64,
    count: u64,
}

impl Run {
    fn is_followed_by(&self, position: LogPosition, line: u64) -> bool {
        position.instance == self.start.instance
            && position.seq.checked_sub(self.start.seq) == Some(self.count)
            && line - self.first_line == self.count
    }
}

/// The positions of the lines of a chunk.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    /// Adds a line with its number in the file.
    pub(super) fn add(&mut self, position: LogPosition, line: u64) {
        match self.0.last_mut() {
            Some(run) if run.is_followed_by(position, line) => run.count += 1,
            _ => self.0.push(Run { start: position, first_line: line, count: 1 }),
        }
    }
}

/// Lines of a file that follow each other and are in the log before.
#[derive(Clone, Copy, Debug)]
pub(super) struct RepeatedLines {
    pub(super) file_index: usize,
    pub(super) first_line: u64,
    pub(super) last_line: u64,
}

/// The lines that were seen, and those of them that came again, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    seen: SeenLines,
    lines: Vec<RepeatedLines>,
}

impl Repeated {
    /// Adds the lines of the chunk that follows.
    pub(super) fn add(&mut self, file_index: usize, runs: &Runs) {
        for run in &runs.0 {
            let LogPosition { instance, seq } = run.start;
            for (first, last) in self.seen.add_range(instance, seq, seq.saturating_add(run.count - 1)) {
                let line = |seq_of_line: u64| run.first_line + (seq_of_line - seq);
                self.add_lines(RepeatedLines { file_index, first_line: line(first), last_line: line(last) });
            }
        }
    }

    /// Adds the line that follows. Returns whether it is in the log before.
    pub(super) fn add_line(&mut self, file_index: usize, position: LogPosition, line: u64) -> bool {
        let is_repeated = !self.seen.add(position);
        if is_repeated {
            self.add_lines(RepeatedLines { file_index, first_line: line, last_line: line });
        }
        is_repeated
    }

    fn add_lines(&mut self, lines: RepeatedLines) {
        match self.lines.last_mut() {
            Some(last) if last.file_index == lines.file_index && last.last_line + 1 == lines.first_line => {
                last.last_line = lines.last_line;
            }
            _ => self.lines.push(lines),
        }
    }

    /// Returns whether a line is in the log before, of the lines that were added.
    pub(super) fn contains(&self, file_index: usize, line: u64) -> bool {
        let after = self.lines.partition_point(|it| (it.file_index, it.first_line) <= (file_index, line));
        let before = after.checked_sub(1).and_then(|index| self.lines.get(index));
        before.is_some_and(|it| it.file_index == file_index && line <= it.last_line)
    }

    /// Returns the lines that came again.
    pub(super) fn lines(&self) -> &[RepeatedLines] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn lines_that_come_again_are_found() {
        let at = |instance, seq| LogPosition { instance: Uuid::from_u128(instance), seq };
        // Of two files, with two processes in turn; the second one begins with a part of the first.
        let first = [at(1, 1), at(1, 2), at(2, 7), at(1, 3), at(1, 4), at(1, 5)];
        let second = [at(1, 9), at(1, 3), at(1, 4), at(1, 5), at(1, 6), at(2, 7), at(1, 9)];
        let (mut by_runs, mut by_lines) = (Repeated::default(), Repeated::default());
        for (file_index, positions) in [&first[..], &second[..]].into_iter().enumerate() {
            let mut runs = Runs::default();
            for (position, line) in positions.iter().zip(1..) {
                runs.add(*position, line);
                by_lines.add_line(file_index, *position, line);
            }
            by_runs.add(file_index, &runs);
        }
        for found in [by_runs, by_lines] {
            let lines = found.lines().iter().map(|it| (it.file_index, it.first_line, it.last_line));
            assert_eq!(lines.collect::<Vec<_>>(), [(1, 2, 4), (1, 6, 7)]);
            let is_repeated = |line: &u64| found.contains(1, *line);
            assert_eq!((1..9).filter(is_repeated).collect::<Vec<_>>(), [2, 3, 4, 6, 7]);
            assert!(!(1..9).any(|line| found.contains(0, line)));
        }
    }
}

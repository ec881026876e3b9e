//! The lines of a session log that the database does not hold, in their order, whatever files they are in.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    files::visible_files,
    uncounted_file::{FileEnd, FileLines, UncountedFile, inspect},
};
use crate::domain::{
    log_position::{CountedLines, LogPosition},
    log_stamp::StampedLine,
};

/// Lines that are not in the folder of the session log, although the lines around them show that they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingLines {
    /// The position of the first missing line.
    pub first: LogPosition,
    /// The number of missing lines; `None` if the end of the log is missing.
    pub count: Option<u64>,
}

/// Merges the files of a folder by the positions of their lines. A line that several files hold, because one is a copy of
/// another, comes once.
#[derive(Debug)]
pub(super) struct UncountedLines {
    known: CountedLines,
    /// The files, that with the lowest next position first.
    files: BinaryHeap<Reverse<Source>>,
    /// The position of the last line that came.
    last: Option<LogPosition>,
    /// The processes whose last counted line, or a later one, was found.
    found: BTreeSet<Uuid>,
    /// The files that could not be read as lines.
    pub(super) unread: Vec<PathBuf>,
    /// The number of bytes to read in all.
    pub(super) total_bytes: u64,
    /// The number of bytes read.
    pub(super) read_bytes: u64,
}

/// A file, opened when its first line is due.
#[derive(Debug)]
struct Source {
    next: LogPosition,
    path: PathBuf,
    start: u64,
    lines: Option<FileLines>,
}

impl UncountedLines {
    /// Looks for files with uncounted lines in a folder, under any name. `known` is not empty.
    pub(super) fn open(dir: &Path, known: CountedLines) -> io::Result<Self> {
        let mut this = Self {
            files: BinaryHeap::new(),
            last: None,
            found: BTreeSet::new(),
            unread: Vec::new(),
            total_bytes: 0,
            read_bytes: 0,
            known,
        };
        let Some(counted) = this.known.end() else { return Ok(this) };
        for (path, _) in visible_files(dir)? {
            this.add(path, counted)?;
        }
        Ok(this)
    }

    /// Adds a file. Fails if it was renamed meanwhile: its new name may have been passed over.
    fn add(&mut self, path: PathBuf, counted: LogPosition) -> io::Result<()> {
        match inspect(&path, counted) {
            Ok(FileEnd::Uncounted(UncountedFile { start, first, bytes })) => {
                self.total_bytes += bytes;
                self.files.push(Reverse(Source { next: first, path, start, lines: None }));
            }
            Ok(FileEnd::Counted { at_position: true }) => {
                self.found.insert(counted.instance);
            }
            Ok(FileEnd::Counted { at_position: false }) => {}
            Ok(FileEnd::OtherFormat) => self.unread.push(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a file in the session log's folder cannot be read");
                self.unread.push(path);
            }
        }
        Ok(())
    }

    /// Reads the next uncounted line. Passes the line's stamp, the line and the lines missing before it to `read`. Returns
    /// `None` at the end.
    pub(super) fn next<T>(
        &mut self,
        mut read: impl FnMut(&StampedLine<'_>, &[u8], Option<MissingLines>) -> T,
    ) -> io::Result<Option<T>> {
        while let Some(Reverse(mut source)) = self.files.pop() {
            let lines = match &mut source.lines {
                Some(lines) => lines,
                empty => {
                    let lines = empty.insert(FileLines::open(&source.path, source.start)?);
                    self.read_bytes += advance(lines)?.1;
                    lines
                }
            };
            let mut result = None;
            if let Some(line) = lines.stamped()
                && let Some(missing) = accept(&self.known, &mut self.found, &mut self.last, line.position)
            {
                result = Some(read(&line, lines.line(), missing));
            }
            let (next, bytes) = advance(lines)?;
            self.read_bytes += bytes;
            if let Some(next) = next {
                self.files.push(Reverse(Source { next, ..source }));
            }
            if result.is_some() {
                return Ok(result);
            }
        }
        Ok(None)
    }

    /// Returns what is missing at the end: of the processes whose last counted line is not in the folder, the lines after
    /// it may be missing, too.
    pub(super) fn missing_ends(&self) -> impl Iterator<Item = MissingLines> {
        let missing = self.known.incomplete().filter(|position| !self.found.contains(&position.instance));
        missing.map(|LogPosition { instance, seq }| MissingLines {
            first: LogPosition { instance, seq: seq + 1 },
            count: None,
        })
    }
}

/// Decides whether a line at a position is to be counted: it is not if it was counted before, or came from another file.
/// Returns the lines missing before it.
#[expect(clippy::option_option, reason = "the outer one is the decision")]
fn accept(
    known: &CountedLines,
    found: &mut BTreeSet<Uuid>,
    last: &mut Option<LogPosition>,
    position: LogPosition,
) -> Option<Option<MissingLines>> {
    let LogPosition { instance, seq } = position;
    let counted = known.counted(instance)?;
    if seq >= counted {
        found.insert(instance);
    }
    if seq <= counted || last.is_some_and(|last| position <= last) {
        return None;
    }
    let before = last.filter(|last| last.instance == instance).map_or(counted, |last| last.seq);
    *last = Some(position);
    let first = LogPosition { instance, seq: before + 1 };
    Some((first < position).then_some(MissingLines { first, count: Some(seq - before - 1) }))
}

/// Reads on to the next line with a stamp. Returns its position, and the number of bytes read.
fn advance(lines: &mut FileLines) -> io::Result<(Option<LogPosition>, u64)> {
    let mut bytes = 0;
    while lines.advance()? {
        bytes += lines.line().len() as u64;
        if let Some(line) = lines.stamped() {
            return Ok((Some(line.position), bytes));
        }
    }
    Ok((None, bytes))
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.next == other.next
    }
}

impl Eq for Source {}

impl PartialOrd for Source {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Source {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.next.cmp(&other.next)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::log_position::InstanceCount;

    fn line(instance: u128, seq: u64) -> String {
        let instance = Uuid::from_u128(instance);
        format!(r#"{{"event":"chat","timestamp":"t","date":"d","v":1,"instance":"{instance}","seq":{seq},"x":0}}"#)
            + "\n"
    }

    fn lines(instance: u128, seqs: std::ops::RangeInclusive<u64>) -> String {
        seqs.map(|seq| line(instance, seq)).collect()
    }

    fn count(instance: u128, counted: u64, is_complete: bool) -> InstanceCount {
        InstanceCount { instance: Uuid::from_u128(instance), counted, chain: None, missing: 0, is_complete }
    }

    /// Returns the uncounted lines of these files, and the missing ones as the first and their number.
    type Read = (Vec<(u128, u64)>, Vec<(u128, u64, Option<u64>)>);

    fn read(files: &[(&str, String)], known: &[InstanceCount]) -> Read {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let mut lines = UncountedLines::open(dir.path(), known.iter().copied().collect()).unwrap();
        let (mut read, mut missing) = (Vec::new(), Vec::new());
        while let Some((position, gap)) = lines.next(|line, _, missing| (line.position, missing)).unwrap() {
            read.push((position.instance.as_u128(), position.seq));
            missing.extend(gap);
        }
        missing.extend(lines.missing_ends());
        assert_eq!(lines.read_bytes, lines.total_bytes);
        let missing = missing.iter().map(|lines| (lines.first.instance.as_u128(), lines.first.seq, lines.count));
        (read, missing.collect())
    }

    fn all(instance: u128, seqs: std::ops::RangeInclusive<u64>) -> Vec<(u128, u64)> {
        seqs.map(|seq| (instance, seq)).collect()
    }

    #[test]
    fn renamed_and_copied_files_are_read_in_line_order() {
        let files = [
            ("a-later", lines(2, 11..=14)),
            ("session_2026-01-01.log.1", lines(1, 1..=9) + &lines(2, 1..=10)),
            ("copy", lines(2, 8..=12)),
            ("session_2026-01-02.log", lines(2, 15..=16) + &lines(3, 1..=2)),
            (".hidden", lines(2, 30..=31)),
            ("archive.gz", "\u{1f}compressed".to_owned()),
        ];
        let (read, missing) = read(&files, &[count(1, 9, true), count(2, 7, false)]);
        assert_eq!(read, [all(2, 8..=16), all(3, 1..=2)].concat());
        assert_eq!(missing, []);
    }

    #[test]
    fn missing_lines_are_found_between_others_and_at_the_start() {
        let files = [("a", lines(2, 6..=8) + &lines(2, 11..=12) + &lines(4, 3..=3))];
        let (read, missing) = read(&files, &[count(2, 3, false)]);
        assert_eq!(read, [all(2, 6..=8), all(2, 11..=12), all(4, 3..=3)].concat());
        assert_eq!(missing, [(2, 4, Some(2)), (2, 9, Some(2)), (4, 1, Some(2))]);
    }

    #[test]
    fn a_log_whose_end_is_missing_is_noticed() {
        let known = [count(2, 5, false)];
        assert_eq!(read(&[], &known), (vec![], vec![(2, 6, None)]));
        assert_eq!(read(&[("a", lines(2, 1..=4))], &known), (vec![], vec![(2, 6, None)]));
        assert_eq!(read(&[("a", lines(2, 1..=5))], &known), (vec![], vec![]));
        assert_eq!(read(&[("a", lines(2, 5..=5) + &lines(3, 1..=1))], &known), (all(3, 1..=1), vec![]));
        assert_eq!(read(&[], &[count(2, 5, true)]), (vec![], vec![]));
    }

    #[test]
    fn an_incomplete_last_line_is_no_gap() {
        let torn = line(2, 6).trim_end_matches("\"x\":0}\n").to_owned();
        let (read, missing) = read(&[("a", lines(2, 5..=5) + &torn)], &[count(2, 5, false)]);
        assert_eq!((read, missing), (all(2, 6..=6), vec![]));
    }
}

//! A file of the session log's folder, read from its first uncounted line on.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use super::files::{FIRST_WINDOW, begins_with_line, last_stamped_line};
use crate::domain::{
    log_position::LogPosition,
    log_stamp::{self, StampedLine},
};

/// The size of a reader's buffer in bytes.
const BUFFER_BYTES: usize = 1 << 18;

/// The lines of a file, each with its line feed, except perhaps the last one.
#[derive(Debug)]
pub(super) struct FileLines {
    reader: BufReader<File>,
    line: Vec<u8>,
}

impl FileLines {
    /// Opens a file at an offset, which is the start of a line.
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { reader: BufReader::with_capacity(BUFFER_BYTES, file), line: Vec::new() })
    }

    /// Reads the next line. Returns false at the end of the file.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        Ok(self.reader.read_until(b'\n', &mut self.line)? > 0)
    }

    /// Returns the line that was read last.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Returns event and position of the line that was read last; `None` if it has none.
    pub(super) fn stamped(&self) -> Option<StampedLine<'_>> {
        log_stamp::parse(&self.line)
    }
}

/// The end of a file of the session log, in relation to the position up to which all lines are counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileEnd {
    /// The file holds no line after the position. Its last line is the one at the position, if that is true.
    Counted { at_position: bool },
    /// The file holds such lines.
    Uncounted(UncountedFile),
    /// The file is empty, or not a file of lines in JSON: it may be compressed.
    OtherFormat,
}

/// A file that holds uncounted lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UncountedFile {
    /// The offset of a line before which all lines are counted.
    pub(super) start: u64,
    /// The position of the first line with a stamp from there on.
    pub(super) first: LogPosition,
    /// The number of bytes from there on.
    pub(super) bytes: u64,
}

/// Looks into the end of a file for lines after `counted`. The lines of a file are in ascending order, so that only as
/// much of the file is read as it has uncounted lines, or less.
pub(super) fn inspect(path: &Path, counted: LogPosition) -> io::Result<FileEnd> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 || !begins_with_line(&mut file)? {
        return Ok(FileEnd::OtherFormat);
    }
    let last = last_stamped_line(&mut file, length, |line| line.position)?;
    let Some(last) = last else { return Ok(FileEnd::Counted { at_position: false }) };
    if last <= counted {
        return Ok(FileEnd::Counted { at_position: last == counted });
    }
    let start = start_of_uncounted(&mut file, length, counted)?;
    let mut lines = FileLines::open(path, start)?;
    let mut first = last;
    while lines.advance()? {
        if let Some(line) = lines.stamped() {
            first = line.position;
            break;
        }
    }
    Ok(FileEnd::Uncounted(UncountedFile { start, first, bytes: length - start }))
}

/// Returns the offset of a line before which all lines are counted.
fn start_of_uncounted(file: &mut File, length: u64, counted: LogPosition) -> io::Result<u64> {
    let mut window = FIRST_WINDOW;
    while window < length {
        if let Some((offset, position)) = line_after(file, length - window)?
            // Lines without a stamp were written by an earlier version.
            && position.is_none_or(|position| position <= counted)
        {
            return Ok(offset);
        }
        window *= 2;
    }
    Ok(0)
}

/// Returns the first line that starts at or after `offset`, which is not 0: its offset and its position.
fn line_after(file: &mut File, offset: u64) -> io::Result<Option<(u64, Option<LogPosition>)>> {
    file.seek(SeekFrom::Start(offset - 1))?;
    let mut reader = BufReader::with_capacity(4096, file);
    let mut line = Vec::new();
    let skipped = reader.read_until(b'\n', &mut line)? as u64;
    line.clear();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some((offset - 1 + skipped, log_stamp::parse(&line).map(|line| line.position))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;

    fn at(seq: u64) -> LogPosition {
        LogPosition { instance: Uuid::from_u128(1), seq }
    }

    fn uncounted(path: &Path, counted: u64) -> UncountedFile {
        match inspect(path, at(counted)).unwrap() {
            FileEnd::Uncounted(file) => Some(file),
            FileEnd::Counted { .. } | FileEnd::OtherFormat => None,
        }
        .expect("uncounted lines")
    }

    fn line(seq: u64, padding: usize) -> String {
        let (instance, padding) = (Uuid::from_u128(1), "x".repeat(padding));
        format!(
            r#"{{"event":"chat","timestamp":"t","date":"d","v":1,"instance":"{instance}","seq":{seq},"x":"{padding}"}}"#
        ) + "\n"
    }

    #[test]
    fn reading_starts_at_or_shortly_before_the_first_uncounted_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any name");
        // A line that is longer than the first window is among them.
        let lines = (1..=5000).map(|seq| line(seq, if seq == 4990 { 200_000 } else { 100 })).collect::<String>();
        fs::write(&path, &lines).unwrap();
        for counted in [0, 1, 2500, 4980, 4989, 4990, 4998, 4999] {
            let file = uncounted(&path, counted);
            assert!(file.first.seq <= counted + 1, "{counted}: {file:?}");
            let first = log_stamp::parse(&lines.as_bytes()[usize::try_from(file.start).unwrap()..]).unwrap();
            assert_eq!(first.position, file.first);
            let read_too_much = (counted + 1 - file.first.seq) * 200;
            assert!(read_too_much <= 2 * (5000 - counted) * 200 + 400_000, "{counted}: {file:?}");
        }
        assert_eq!(inspect(&path, at(5000)).unwrap(), FileEnd::Counted { at_position: true });
        assert_eq!(inspect(&path, at(5001)).unwrap(), FileEnd::Counted { at_position: false });
    }

    #[test]
    fn files_without_stamps_and_of_other_formats_hold_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let end_of = |content: &[u8]| {
            fs::write(dir.path().join("file"), content).unwrap();
            inspect(&dir.path().join("file"), at(3)).unwrap()
        };
        assert_eq!(end_of(b""), FileEnd::OtherFormat);
        assert_eq!(end_of(&[0x1f, 0x8b, 8, 0]), FileEnd::OtherFormat);
        let old = "{\"event\":\"chat\",\"timestamp\":\"t\",\"date\":\"d\"}\n".repeat(10_000);
        assert_eq!(end_of(old.as_bytes()), FileEnd::Counted { at_position: false });
        // The first lines with stamps follow lines of an earlier version, and the last one is incomplete.
        let torn = line(5, 0).trim_end_matches("}\n").to_owned();
        fs::write(dir.path().join("file"), old + &line(4, 0) + &torn).unwrap();
        assert_eq!(uncounted(&dir.path().join("file"), 3).first, at(4));
    }
}

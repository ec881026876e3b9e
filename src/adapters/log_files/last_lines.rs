//! The last lines of a log. Plain files are read from their ends, so that only as much is read as is needed.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::ControlFlow,
};

use super::{
    chunk::{Chunk, LineEnd},
    log_file::LogFile,
    opener::Opener,
    parallel::Reader,
    sizes::Sizes,
    text::Text,
};
use crate::foundation::compression::Compression;

/// The last lines of files.
#[derive(Debug)]
pub struct LastLines<D> {
    /// The lines without their line feeds, in the order of the files.
    pub lines: VecDeque<Vec<u8>>,
    /// The damaged lines that are left out, and the files that cannot be read further.
    pub damages: Vec<LineDamage<D>>,
}

/// A damaged line, or a place from which a file cannot be read.
#[derive(Debug)]
pub struct LineDamage<D> {
    /// The index of the file.
    pub file_index: usize,
    /// The place.
    pub place: Place,
    /// The damage of the line, or the error of reading the file.
    pub cause: Result<D, io::Error>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The number of the line, from 1.
    Line(u64),
    /// The offset of the line's first byte, for files that are not read from their start.
    Byte(u64),
}

/// Returns the last lines that `check` approves, at most `count`. It gets lines, also those whose beginning only is kept, and
/// says what is wrong with those that are damaged.
pub fn last_lines<D: Send>(
    files: &[LogFile],
    count: usize,
    check: impl Fn(&[u8], LineEnd) -> Result<bool, D> + Sync,
) -> LastLines<D> {
    let (mut last, opener) = (LastLines::new(), Opener::new(files));
    for (index, file) in files.iter().enumerate().rev() {
        let missing = count - last.lines.len();
        if missing == 0 {
            break;
        }
        let mut found = match opener.open(file) {
            Ok(Some((open, compression))) => last_of_open(file, open, compression, missing, &check),
            Ok(None) => LastLines::new(),
            Err(error) => LastLines::unreadable(error),
        };
        found.lines.append(&mut last.lines);
        last.lines = found.lines;
        found.damages.iter_mut().for_each(|damage| damage.file_index = index);
        found.damages.append(&mut last.damages);
        last.damages = found.damages;
    }
    last
}

/// Returns the last lines of an open file, which is read from its end if possible.
fn last_of_open<D: Send>(
    file: &LogFile,
    open: File,
    compression: Compression,
    count: usize,
    check: &(impl Fn(&[u8], LineEnd) -> Result<bool, D> + Sync),
) -> LastLines<D> {
    match file.length {
        Some(length) if compression == Compression::None => last_of_plain(open, length, count, check),
        length => match Text::new(open, compression, length) {
            Ok(text) => last_of_stream(&Reader::of_text(file, text), count, check),
            Err(error) => LastLines::unreadable(error),
        },
    }
}

/// Reads a whole file that can only be read from its start, and returns its last lines.
fn last_of_stream<D: Send>(
    reader: &Reader<'_>,
    count: usize,
    check: &(impl Fn(&[u8], LineEnd) -> Result<bool, D> + Sync),
) -> LastLines<D> {
    let mut last = LastLines::new();
    let compute = |chunk: &Chunk<'_>| {
        let (mut found, mut wanted) = (LastLines::new(), Vec::new());
        for line in chunk.lines() {
            match check(line.bytes, line.end) {
                Ok(true) => wanted.push(line.bytes),
                Ok(false) => {}
                Err(damage) => found.add_damage(Place::Line(line.number), Ok(damage)),
            }
        }
        found.lines.extend(wanted[wanted.len().saturating_sub(count)..].iter().map(|line| line.to_vec()));
        if let Some(failure) = &chunk.failure {
            let failure = io::Error::new(failure.kind(), failure.to_string());
            found.add_damage(Place::Line(chunk.next_line()), Err(failure));
        }
        found
    };
    reader.for_each(compute, |mut next| {
        last.lines.append(&mut next.lines);
        last.lines.drain(..last.lines.len().saturating_sub(count));
        last.damages.append(&mut next.damages);
        ControlFlow::Continue(())
    });
    last
}

impl<D> LastLines<D> {
    fn new() -> Self {
        Self { lines: VecDeque::new(), damages: Vec::new() }
    }

    /// Returns the result for a file that cannot be read.
    fn unreadable(error: io::Error) -> Self {
        let mut last = Self::new();
        last.add_damage(Place::Byte(0), Err(error));
        last
    }

    /// Adds a damage in the first file.
    fn add_damage(&mut self, place: Place, cause: Result<D, io::Error>) {
        self.damages.push(LineDamage { file_index: 0, place, cause });
    }
}

fn last_of_plain<D>(
    open: File,
    length: u64,
    count: usize,
    check: impl Fn(&[u8], LineEnd) -> Result<bool, D>,
) -> LastLines<D> {
    let mut last = LastLines::new();
    let mut reader = BackwardReader::new(open, length, Sizes::default());
    let mut read = || {
        while last.lines.len() < count && reader.read_block()? {
            while last.lines.len() < count
                && let Some((start, line, end)) = reader.pop_line()
            {
                match check(&line, end) {
                    Ok(true) => last.lines.push_front(line),
                    Ok(false) => {}
                    Err(damage) => last.add_damage(Place::Byte(start), Ok(damage)),
                }
            }
        }
        Ok(())
    };
    let result = read();
    last.damages.reverse();
    if let Err(error) = result {
        last.add_damage(Place::Byte(0), Err(error));
    }
    last
}

/// Returns the offset after the last line that has a line feed within a length, and that line. A last line that is too long
/// is left to whoever reads on from there.
pub(super) fn end_of_lines(file: &File, length: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut reader = BackwardReader::new(file.try_clone()?, length, Sizes::default());
    while reader.read_block()? {
        while let Some((start, line, line_end)) = reader.pop_line() {
            match line_end {
                LineEnd::Whole => return Ok((start + line.len() as u64 + 1, line)),
                LineEnd::Torn => {}
                LineEnd::TooLong { .. } => return Ok((start, Vec::new())),
            }
        }
    }
    Ok((0, Vec::new()))
}

/// Reads the lines of a file from the last one to the first one.
struct BackwardReader {
    file: File,
    /// The offset of the text in the file.
    start: u64,
    /// The part of the file from `start` to the end of the last line that was not returned.
    text: Vec<u8>,
    /// The number of bytes that follow the text in a line that is too long.
    skipped: u64,
    sizes: Sizes,
}

impl BackwardReader {
    fn new(file: File, length: u64, sizes: Sizes) -> Self {
        Self { file, start: length, text: Vec::new(), skipped: 0, sizes }
    }

    /// Reads the part of the file before the text. Returns whether there was any.
    fn read_block(&mut self) -> io::Result<bool> {
        let length = self.text.len() - usize::from(self.ends_line());
        if length > self.sizes.line {
            self.skipped += length as u64;
            self.text.clear();
        }
        // Blocks grow with the line, so that its end is not copied for each small block before it.
        let size = self.start.min(self.sizes.read.max(self.text.len()) as u64);
        let mut block = Vec::new();
        self.file.seek(SeekFrom::Start(self.start - size))?;
        (&self.file).take(size).read_to_end(&mut block)?;
        if (block.len() as u64) < size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was truncated meanwhile"));
        }
        self.start -= size;
        block.append(&mut self.text);
        self.text = block;
        Ok(size > 0)
    }

    /// Returns whether the text ends with a line feed, and so with a line.
    fn ends_line(&self) -> bool {
        self.skipped == 0 && self.text.last() == Some(&b'\n')
    }

    /// Removes the last line from the text, and returns it with its offset; `None` if its beginning was not read yet.
    fn pop_line(&mut self) -> Option<(u64, Vec<u8>, LineEnd)> {
        let is_whole = self.ends_line();
        let end = self.text.len() - usize::from(is_whole);
        let line_start = match memchr::memrchr(b'\n', &self.text[..end]) {
            Some(before) => before + 1,
            None if self.start == 0 && (self.skipped > 0 || !self.text.is_empty()) => 0,
            None => return None,
        };
        let mut line = self.text.split_off(line_start);
        line.truncate(end - line_start);
        let bytes = line.len() as u64 + std::mem::take(&mut self.skipped);
        let line_end = match is_whole {
            _ if bytes > self.sizes.line as u64 => LineEnd::TooLong { bytes },
            true => LineEnd::Whole,
            false => LineEnd::Torn,
        };
        Some((self.start + line_start as u64, line, line_end))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// Returns the lines of a text from the last one, read from a file.
    fn read_backward(text: &[u8], sizes: Sizes) -> Vec<(u64, Vec<u8>, LineEnd)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, text).unwrap();
        let mut reader = BackwardReader::new(File::open(path).unwrap(), text.len() as u64, sizes);
        let mut lines = Vec::new();
        while reader.read_block().unwrap() {
            lines.extend(std::iter::from_fn(|| reader.pop_line()));
        }
        lines
    }

    proptest! {
        #[test]
        fn lines_come_from_the_last_to_the_first(text in "[ab\n]{0,40}", read in 1_usize..9, line in 1_usize..20) {
            let mut offset = 0;
            let mut expected = Vec::new();
            for part in text.split_inclusive('\n') {
                let bytes = part.trim_end_matches('\n');
                let end = match part.ends_with('\n') {
                    _ if bytes.len() > line => LineEnd::TooLong { bytes: bytes.len() as u64 },
                    true => LineEnd::Whole,
                    false => LineEnd::Torn,
                };
                expected.push((offset, bytes.as_bytes().to_vec(), end));
                offset += part.len() as u64;
            }
            expected.reverse();
            let found = read_backward(text.as_bytes(), Sizes { read, line, head: 1 });
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.into_iter().zip(expected) {
                prop_assert_eq!((found.0, found.2), (expected.0, expected.2));
                prop_assert!(expected.1.starts_with(&found.1));
            }
        }
    }

    #[test]
    fn the_last_wanted_lines_of_several_files_are_returned() {
        let dir = tempfile::tempdir().unwrap();
        let path = |day: u32, ending: &str| dir.path().join(format!("session_2026-01-0{day}.log{ending}"));
        let text = |day: u32| [0, 1, 2, 3, 4].map(|line| format!("{day}{line}\n")).concat();
        fs::write(path(1, ""), text(1)).unwrap();
        fs::write(path(2, ".zst"), zstd::encode_all(text(2).as_bytes(), 1).unwrap()).unwrap();
        fs::write(path(3, ""), format!("{}torn", text(3))).unwrap();
        let files = super::super::find_in(dir.path()).unwrap();
        let read = |count| {
            let check = |line: &[u8], end| match end {
                LineEnd::Torn => Err(()),
                _ => Ok(!line.ends_with(b"2")),
            };
            let last = last_lines(&files, count, check);
            let lines = last.lines.iter().map(|line| String::from_utf8(line.clone()).unwrap()).collect::<Vec<_>>();
            (lines.join(" "), last.damages.iter().map(|it| (it.file_index, it.place)).collect::<Vec<_>>())
        };
        assert_eq!(read(0), (String::new(), vec![]));
        let torn = vec![(2, Place::Byte(15))];
        assert_eq!(read(1), ("34".to_owned(), torn.clone()));
        assert_eq!(read(6), ("23 24 30 31 33 34".to_owned(), torn.clone()));
        assert_eq!(read(99), ("10 11 13 14 20 21 23 24 30 31 33 34".to_owned(), torn));
    }
}

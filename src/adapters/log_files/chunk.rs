//! A part of a file's lines, which is processed on one thread.

use std::io;

use super::log_file::LogFile;

/// Whole lines of one file that follow each other. Each file has at least one chunk; an empty file has one without lines.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The file.
    pub file: &'a LogFile,
    /// The index of the file among those that are read.
    pub file_index: usize,
    /// The number of the first line in the file, from 1.
    pub first_line: u64,
    /// The reason for which the file could not be read to its end, such as damaged compression. Only the last chunk of a file
    /// has it, after the lines that could be read.
    pub failure: Option<io::Error>,
    /// Whether the service has deleted the file since it was listed, as the log declares. Then it has no lines.
    pub is_deleted: bool,
    /// The lines with their line feeds.
    pub(super) text: &'a [u8],
    pub(super) last_line_end: LineEnd,
}

/// The end of a line: a line feed, the end of the file, or beyond what is read into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// By a line feed.
    Whole,
    /// By the end of the file.
    Torn,
    /// By a line feed or the end of the file, after more bytes than are kept in memory. Its beginning is kept.
    TooLong {
        /// The length in bytes, without the line feed.
        bytes: u64,
    },
}

/// One line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The number in the file, from 1.
    pub number: u64,
    /// The bytes without the line feed; of a line that is too long only the beginning. They need not be UTF-8.
    pub bytes: &'a [u8],
    /// The end of the line.
    pub end: LineEnd,
}

impl<'a> Chunk<'a> {
    /// Returns the lines in their order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let (mut rest, mut number, last_line_end) = (self.text, self.first_line, self.last_line_end);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let bytes = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            let line = Line { number, bytes, end: if rest.is_empty() { last_line_end } else { LineEnd::Whole } };
            number += 1;
            Some(line)
        })
    }

    /// Returns the number of the line that follows the last one.
    #[must_use]
    pub fn next_line(&self) -> u64 {
        let unended = self.text.last().is_some_and(|last| *last != b'\n');
        self.first_line + memchr::memchr_iter(b'\n', self.text).count() as u64 + u64::from(unended)
    }

    /// Returns the number of bytes of the lines that are kept in memory, line feeds included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

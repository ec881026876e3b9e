//! The lines that are appended to one file while it is followed.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use super::{chunk::LineEnd, sizes::Sizes};

/// The number of bytes at the start of a file by which it is recognized. They have a line's time and position.
const MARK: usize = 256;

/// Reads the lines that are appended to an open file. It is truncated by some programs that rotate logs.
#[derive(Debug)]
pub(super) struct AppendedLines {
    file: File,
    /// The offset up to which the file was read.
    offset: u64,
    /// The start of the file when it was read last.
    mark: Vec<u8>,
    /// The beginning of the line that is not ended yet.
    rest: Vec<u8>,
    /// The number of bytes of that line that are not in memory, since it is too long.
    skipped: u64,
}

impl AppendedLines {
    /// Reads what is appended after the first `offset` bytes.
    pub(super) fn new(file: File, offset: u64) -> io::Result<Self> {
        let mut lines = Self { file, offset, mark: Vec::new(), rest: Vec::new(), skipped: 0 };
        lines.mark = lines.read_mark()?;
        Ok(lines)
    }

    /// Calls `on_line` with the lines that were ended since the last call, without their line feeds; of a line that is too
    /// long only with its beginning, and with whether the file was truncated before, so that they are its first ones. Returns
    /// the file's length as far as it was read.
    pub(super) fn read(&mut self, mut on_line: impl FnMut(&[u8], LineEnd, bool)) -> io::Result<u64> {
        let is_truncated = self.is_truncated()?;
        if is_truncated {
            *self = Self::new(self.file.try_clone()?, 0)?;
        }
        let sizes = Sizes::default();
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut block = Vec::new();
        while (&self.file).take(sizes.read as u64).read_to_end(&mut block)? > 0 {
            self.offset += block.len() as u64;
            self.split(&block, sizes, &mut |line, end| on_line(line, end, is_truncated));
            block.clear();
        }
        if self.mark.len() < MARK {
            self.mark = self.read_mark()?;
        }
        Ok(self.offset)
    }

    fn split(&mut self, block: &[u8], sizes: Sizes, on_line: &mut impl FnMut(&[u8], LineEnd)) {
        for part in block.split_inclusive(|byte| *byte == b'\n') {
            let (part, is_ended) = part.strip_suffix(b"\n").map_or((part, false), |line| (line, true));
            self.rest.extend_from_slice(part);
            if self.skipped > 0 || self.rest.len() > sizes.line {
                let kept = self.rest.len().min(sizes.head);
                self.skipped += (self.rest.len() - kept) as u64;
                self.rest.truncate(kept);
                self.rest.shrink_to(sizes.read);
            }
            if is_ended {
                let bytes = self.rest.len() as u64 + self.skipped;
                on_line(&self.rest, if self.skipped > 0 { LineEnd::TooLong { bytes } } else { LineEnd::Whole });
                self.rest.clear();
                self.rest.shrink_to(sizes.read);
                self.skipped = 0;
            }
        }
    }

    /// Returns whether the file has another start than before. One that was truncated may have grown over its old length.
    fn is_truncated(&mut self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() < self.offset || self.read_mark()? != self.mark)
    }

    /// Reads as much of the file's start as was read before.
    fn read_mark(&mut self) -> io::Result<Vec<u8>> {
        let mut mark = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        let length = self.offset.min(MARK as u64);
        (&self.file).take(length).read_to_end(&mut mark)?;
        Ok(mark)
    }
}

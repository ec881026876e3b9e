//! The text of a file, whatever its compression.

use std::{
    fs::File,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;

use crate::foundation::compression::Compression;

/// The size of the buffer between a compressed file and its decoder, in bytes.
const INPUT_BUFFER: usize = 256 << 10;

/// The size of the reads after a file's length, in bytes.
const SURPLUS_READ: usize = 64 << 10;

/// The decompressed text of an open file.
pub(super) struct Text {
    decoded: Box<dyn Read + Send>,
    /// The number of bytes of the file that were read.
    read_bytes: Arc<AtomicU64>,
    /// That number at the last call of [`Self::newly_read`].
    reported_bytes: u64,
}

impl Text {
    /// Returns the text of an open file; of one that is not compressed only the lines that begin within a length, if that is given.
    pub(super) fn new(input: File, compression: Compression, length: Option<u64>) -> io::Result<Self> {
        let read_bytes = Arc::<AtomicU64>::default();
        let input = CountedInput { input, read_bytes: Arc::clone(&read_bytes) };
        let length = length.unwrap_or(u64::MAX);
        let buffered = |input| io::BufReader::with_capacity(INPUT_BUFFER, input);
        let decoded: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(WholeLines { input, left: length, ends_line: true }),
            Compression::Gzip => Box::new(MultiGzDecoder::new(buffered(input))),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(buffered(input))?),
        };
        Ok(Self { decoded, read_bytes, reported_bytes: 0 })
    }

    /// Appends up to `limit` bytes to a buffer, fewer only at the end of the text.
    pub(super) fn append_to(&mut self, buffer: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        buffer.reserve_exact(limit);
        self.decoded.by_ref().take(limit as u64).read_to_end(buffer)
    }

    /// Returns the number of bytes of the file that were read since the last call. For a compressed file these are fewer
    /// than those of its text.
    pub(super) fn newly_read(&mut self) -> u64 {
        let read_bytes = self.read_bytes.load(Ordering::Relaxed);
        read_bytes - std::mem::replace(&mut self.reported_bytes, read_bytes)
    }
}

struct CountedInput {
    input: File,
    read_bytes: Arc<AtomicU64>,
}

impl Read for CountedInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read_bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The text of a file that may grow: the lines that begin within its length at the start. The last of them may have been
/// half written then, so it is read to its end.
struct WholeLines<R> {
    input: R,
    /// The number of bytes to the length at the start.
    left: u64,
    /// Whether the last byte that was read ends a line.
    ends_line: bool,
}

impl<R: Read> WholeLines<R> {
    fn read_surplus(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(SURPLUS_READ);
        let count = self.input.read(&mut buffer[..limit])?;
        Ok(memchr::memchr(b'\n', &buffer[..count]).map_or(count, |end| end + 1))
    }
}

impl<R: Read> Read for WholeLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.left > 0 {
            let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
            self.input.read(&mut buffer[..limit])?
        } else if self.ends_line {
            0
        } else {
            self.read_surplus(buffer)?
        };
        self.left = self.left.saturating_sub(count as u64);
        if let Some(last) = buffer[..count].last() {
            self.ends_line = *last == b'\n';
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_file_is_read_to_the_end_of_its_last_line() {
        let read = |text: &str, left| {
            let mut lines = WholeLines { input: text.as_bytes(), left, ends_line: true };
            io::read_to_string(&mut lines).unwrap()
        };
        for (length, expected) in
            [(0, ""), (1, "ab\n"), (3, "ab\n"), (4, "ab\ncd\n"), (8, "ab\ncd\nef"), (99, "ab\ncd\nef")]
        {
            assert_eq!(read("ab\ncd\nef", length), expected, "{length}");
        }
    }
}

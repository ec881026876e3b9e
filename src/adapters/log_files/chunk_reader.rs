//! Reads files one after the other, cut into chunks at line feeds.

use std::io;

use super::{
    chunk::{Chunk, LineEnd},
    log_file::LogFile,
    opener::Opener,
    sizes::Sizes,
    text::Text,
};

/// Reads the chunks of files in their order.
pub(super) struct ChunkReader<'a> {
    files: &'a [LogFile],
    opener: Opener<'a>,
    /// The index of the next file to open, or of the open one.
    file_index: usize,
    open: Option<OpenFile>,
    sizes: Sizes,
}

/// The position in the file that is read.
struct OpenFile {
    text: Text,
    /// The beginning of the line that follows the last chunk.
    rest: Vec<u8>,
    /// The number of that line.
    next_line: u64,
}

/// The end of what was read for a chunk.
struct ReadEnd {
    line_end: LineEnd,
    is_last: bool,
    failure: Option<io::Error>,
}

impl<'a> ChunkReader<'a> {
    /// Reads files. `opened` is the text of the first one, if that is open already.
    pub(super) fn new(files: &'a [LogFile], opened: Option<Text>, sizes: Sizes) -> Self {
        let open = opened.map(OpenFile::new);
        Self { files, opener: Opener::new(files), file_index: 0, open, sizes }
    }

    /// Reads the next chunk into a buffer. Returns it, and the number of bytes of the file that were read for it; `None` after
    /// the last file.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Option<(Chunk<'b>, u64)>
    where
        'a: 'b,
    {
        let file = self.files.get(self.file_index)?;
        let file_index = self.file_index;
        buffer.clear();
        let mut open = match self.open.take().map_or_else(|| self.open_file(file), |open| Ok(Some(open))) {
            Ok(Some(open)) => open,
            unopened => {
                self.file_index += 1;
                return Some((without_lines(file, file_index, unopened.err()), 0));
            }
        };
        let end = open.fill(buffer, self.sizes);
        let (first_line, read_bytes) = (open.next_line, open.text.newly_read());
        let ReadEnd { line_end: last_line_end, is_last, failure } = end;
        let chunk = Chunk { file, file_index, first_line, failure, is_deleted: false, text: buffer, last_line_end };
        if is_last {
            self.file_index += 1;
        } else {
            open.next_line = chunk.next_line();
            self.open = Some(open);
        }
        Some((chunk, read_bytes))
    }

    /// Opens a file; `None` if it was deleted by the service.
    fn open_file(&self, file: &LogFile) -> io::Result<Option<OpenFile>> {
        let Some((open, compression)) = self.opener.open(file)? else { return Ok(None) };
        Ok(Some(OpenFile::new(Text::new(open, compression, file.length)?)))
    }
}

fn without_lines(file: &LogFile, file_index: usize, failure: Option<io::Error>) -> Chunk<'_> {
    let is_deleted = failure.is_none();
    Chunk { file, file_index, first_line: 1, failure, is_deleted, text: &[], last_line_end: LineEnd::Whole }
}

impl OpenFile {
    fn new(text: Text) -> Self {
        Self { text, rest: Vec::new(), next_line: 1 }
    }

    /// Fills an empty buffer with whole lines, at least one if there are any left.
    fn fill(&mut self, buffer: &mut Vec<u8>, sizes: Sizes) -> ReadEnd {
        buffer.append(&mut self.rest);
        loop {
            let searched = buffer.len();
            let failure = match self.text.append_to(buffer, sizes.read) {
                Ok(count) if count == sizes.read => None,
                ended => return ReadEnd { line_end: line_end_of(buffer), is_last: true, failure: ended.err() },
            };
            if let Some(last) = memchr::memrchr(b'\n', &buffer[searched..]) {
                self.rest.extend_from_slice(&buffer[searched + last + 1..]);
                buffer.truncate(searched + last + 1);
                return ReadEnd { line_end: LineEnd::Whole, is_last: false, failure };
            }
            if buffer.len() > sizes.line {
                return self.skip_line(buffer, sizes);
            }
        }
    }

    /// Reads to the end of a line that is too long, and leaves its beginning in the buffer.
    fn skip_line(&mut self, buffer: &mut Vec<u8>, sizes: Sizes) -> ReadEnd {
        let mut bytes = buffer.len() as u64;
        buffer.truncate(sizes.head);
        buffer.shrink_to(sizes.read);
        loop {
            self.rest.clear();
            let read = self.text.append_to(&mut self.rest, sizes.read);
            let line_end = memchr::memchr(b'\n', &self.rest);
            bytes += line_end.unwrap_or(self.rest.len()) as u64;
            self.rest.drain(..line_end.map_or(self.rest.len(), |end| end + 1));
            let ended = !matches!(read, Ok(count) if count == sizes.read);
            if line_end.is_some() || ended {
                // A short read that ended this line leaves the rest of the file for the next chunk.
                let is_last = ended && self.rest.is_empty();
                let failure = if is_last { read.err() } else { None };
                return ReadEnd { line_end: LineEnd::TooLong { bytes }, is_last, failure };
            }
        }
    }
}

fn line_end_of(text: &[u8]) -> LineEnd {
    if text.last().is_some_and(|last| *last != b'\n') { LineEnd::Torn } else { LineEnd::Whole }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    type ReadLine = (u64, Vec<u8>, LineEnd);

    /// Returns the lines of a text, read from a file in chunks.
    fn read(text: &[u8], sizes: Sizes) -> Vec<ReadLine> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, text).unwrap();
        let files = [LogFile::new(path, Some(text.len() as u64))];
        let mut reader = ChunkReader::new(&files, None, sizes);
        let (mut buffer, mut lines, mut was_last) = (Vec::new(), Vec::new(), false);
        while let Some((chunk, _)) = reader.next(&mut buffer) {
            assert!(!was_last && chunk.failure.is_none());
            was_last = reader.file_index == files.len();
            lines.extend(chunk.lines().map(|line| (line.number, line.bytes.to_vec(), line.end)));
        }
        assert!(was_last);
        lines
    }

    /// Returns what [`read`] should return.
    fn split(text: &[u8], sizes: Sizes) -> Vec<ReadLine> {
        let mut lines = text.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        let torn = lines.pop().filter(|line| !line.is_empty());
        let lines = lines.into_iter().map(|line| (line, LineEnd::Whole)).chain(torn.map(|line| (line, LineEnd::Torn)));
        let numbered = (1..).zip(lines);
        let kept = numbered.map(|(number, (line, end))| {
            let is_long = line.len() > sizes.line + sizes.read;
            let end = if is_long { LineEnd::TooLong { bytes: line.len() as u64 } } else { end };
            (number, if is_long { line[..sizes.head].to_vec() } else { line.to_vec() }, end)
        });
        kept.collect()
    }

    proptest! {
        #[test]
        fn chunks_hold_each_line_once(
            lines in prop::collection::vec("[a-c\u{0}ä]{0,9}", 0..40),
            is_torn: bool,
            read_size in 1_usize..40,
        ) {
            let mut text = lines.join("\n");
            if !is_torn && !text.is_empty() {
                text.push('\n');
            }
            let sizes = Sizes { read: read_size, line: 1000, head: 3 };
            prop_assert_eq!(read(text.as_bytes(), sizes), split(text.as_bytes(), sizes));
        }
    }

    #[test]
    fn lines_that_are_too_long_are_skipped_and_counted() {
        let sizes = Sizes { read: 10, line: 20, head: 3 };
        let long = "x".repeat(57);
        for text in [
            format!("{long}\n"),
            long.clone(),
            format!("a\n{long}\nb\nc"),
            format!("a\n\n{long}\n{long}\n\nb\n"),
            format!("{long}\nabcdefghijklmnopqrs\n"),
        ] {
            assert_eq!(read(text.as_bytes(), sizes), split(text.as_bytes(), sizes), "{text}");
        }
    }
}

//! Search for the lines of one session or one turn in session logs, in one pass over the files.

use std::{borrow::Cow, collections::HashSet, ops::ControlFlow};

use memchr::memmem::Finder;
use serde::Deserialize;

use crate::{
    adapters::log_files::{Chunk, LineEnd, LogFile, Reader, parse_line},
    domain::log_stamp,
};

/// The lines that were found, in the order in which they were written, and what could not be read.
#[derive(Debug, Default)]
pub struct Found {
    /// The lines without their line feeds. A line that is in several files, as after a rotation by copying, is here once.
    pub lines: Vec<Vec<u8>>,
    /// The files that could not be read to their ends, and damaged lines that have the id.
    pub damages: Vec<SearchDamage>,
}

/// A line that has the id but could not be parsed, or the end of what could be read of a file.
#[derive(Debug)]
pub struct SearchDamage {
    /// The index of the file.
    pub file_index: usize,
    /// The number of the line, from 1; of a file that cannot be read further, of the line after the last one.
    pub line: u64,
    /// The cause that the system or the decoder names; `None` for a damaged line.
    pub failure: Option<String>,
}

/// The fields by which lines are found.
#[derive(Deserialize)]
struct Ids<'a> {
    #[serde(borrow, default)]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    request_id: Option<Cow<'a, str>>,
}

/// Returns the lines whose session or request has this id. `on_read` is called with each number of bytes that were read.
pub fn search(files: &[LogFile], id: &str, on_read: impl Fn(u64) + Send + Sync) -> Found {
    search_with(&Reader::new(files).on_read(on_read), id, || true)
}

/// Returns the same on this thread only, for a process that needs its processors for something else. Ends early when the lines are not
/// wanted any more.
pub fn search_on_this_thread(files: &[LogFile], id: &str, is_wanted: impl Fn() -> bool + Sync) -> Found {
    search_with(&Reader::new(files).on_this_thread(), id, is_wanted)
}

fn search_with(reader: &Reader<'_>, id: &str, is_wanted: impl Fn() -> bool + Sync) -> Found {
    let search = Search::new(id);
    let (mut found, mut known) = (Found::default(), HashSet::new());
    reader.for_each(
        |chunk| search.in_chunk(chunk),
        |mut next| {
            let is_new = |line: &Vec<u8>| log_stamp::parse(line).is_none_or(|line| known.insert(line.position));
            next.lines.retain(is_new);
            found.lines.append(&mut next.lines);
            found.damages.append(&mut next.damages);
            if is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    found
}

struct Search<'a> {
    id: &'a str,
    /// Finds the id in a line's bytes; `None` for an id that JSON may write in several ways.
    finder: Option<Finder<'a>>,
}

impl<'a> Search<'a> {
    fn new(id: &'a str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let finder = (!id.is_empty() && id.bytes().all(is_plain)).then(|| Finder::new(id));
        Self { id, finder }
    }

    fn in_chunk(&self, chunk: &Chunk<'_>) -> Found {
        let mut found = Found::default();
        let damage = |line, failure| SearchDamage { file_index: chunk.file_index, line, failure };
        for line in chunk.lines() {
            if self.finder.as_ref().is_some_and(|finder| finder.find(line.bytes).is_none()) {
                continue;
            }
            match self.has_id(line.bytes) {
                Some(true) if !matches!(line.end, LineEnd::TooLong { .. }) => found.lines.push(line.bytes.to_vec()),
                None if self.finder.is_some() => found.damages.push(damage(line.number, None)),
                _ => {}
            }
        }
        let failure = chunk.failure.as_ref().map(|failure| damage(chunk.next_line(), Some(failure.to_string())));
        found.damages.extend(failure);
        found
    }

    /// Returns whether a line is of the session or turn; `None` if it cannot be parsed.
    fn has_id(&self, line: &[u8]) -> Option<bool> {
        let ids = parse_line::<Ids<'_>>(line, LineEnd::Whole).ok()?;
        Some([ids.session_id, ids.request_id].into_iter().flatten().any(|id| id == self.id))
    }
}

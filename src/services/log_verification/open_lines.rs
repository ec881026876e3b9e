//! The memory for lines that wait for their predecessor.

use super::run::{Link, Run};

/// The most bytes of lines that wait for their predecessor.
const MAX_BYTES: usize = 64 << 20;

/// The lines that wait for their predecessor, which was not read yet.
#[derive(Debug, Default)]
pub(super) struct OpenLines {
    bytes: usize,
}

impl OpenLines {
    /// Counts the first line of a run if it waits. If there is no memory for it, it is forgotten, and can't be compared later.
    pub(super) fn keep(&mut self, run: &mut Run) {
        let Link::Open(line) = &run.link else { return };
        let bytes = self.bytes.saturating_add(line.len());
        if bytes > MAX_BYTES {
            run.link = Link::Unknown;
        } else {
            self.bytes = bytes;
        }
    }
}

//! The place of a line in the files that are verified.

/// The place of a line: the index of its file among those that are read, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) line: u64,
}

//! The sizes that bound the memory of a reader.

/// The sizes that bound the memory for a chunk, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The text that is read at once.
    pub(super) read: usize,
    /// The longest line that is kept.
    pub(super) line: usize,
    /// The beginning of a longer line that is kept.
    pub(super) head: usize,
}

impl Default for Sizes {
    /// A line of a turn holds texts of up to 40 MiB: a request's body (32 MiB) and an answer.
    fn default() -> Self {
        Self { read: 1 << 20, line: 64 << 20, head: 4 << 10 }
    }
}

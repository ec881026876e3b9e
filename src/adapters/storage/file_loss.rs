//! The ways in which another program takes the file of an open SQLite database away.

/// The way in which the file of an open database was lost. Nothing may be read or written then: changes would be lost with the
/// end of the process, or be in another database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLoss {
    /// It was deleted, renamed, or moved to another folder.
    Gone,
    /// Another file is at its path.
    Replaced,
    /// It has no content, or what it has does not begin as a database does.
    Emptied,
    /// The content of another database, such as a backup, was written over its own.
    Overwritten,
    /// The file of its write-ahead log was deleted, renamed or replaced.
    LogGone,
}

impl FileLoss {
    /// Whether the content is lost, so that the file cannot be used again. A checkpoint that was running may have written parts
    /// of it once more.
    pub(super) fn is_of_content(self) -> bool {
        matches!(self, Self::Emptied | Self::Overwritten)
    }

    /// Returns the state of the database, for health checks.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Gone => "file is gone",
            Self::Replaced => "file was replaced",
            Self::Emptied => "file was emptied",
            Self::Overwritten => "file was overwritten",
            Self::LogGone => "write-ahead log is gone",
        }
    }

    /// Returns what has happened, as the end of a sentence about the file.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Gone => "was deleted or moved",
            Self::Replaced => "was replaced by another file",
            Self::Emptied => "was emptied",
            Self::Overwritten => "was overwritten with another database",
            Self::LogGone => "has lost its write-ahead log",
        }
    }
}

//! What can be wrong with a session log.

use std::path::PathBuf;

use uuid::Uuid;

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Lines are missing.
    Missing,
    /// Lines are missing between the files of two days that are not neighbours.
    FileMissing,
    /// A line, or its chain, was changed.
    Altered,
    /// A line is there more than once.
    Duplicated,
    /// Lines are in another order, or in another file, than they were written.
    Reordered,
    /// A process is there that the start after it has not found.
    Added,
    /// Nothing proves lines, although others are proven.
    Unproven,
    /// A file ends with a part of a line, or with a line without its line feed.
    Torn,
    /// The chain of a process fits none of the keys.
    UnknownKey,
    /// A process has chained its lines without a key, although an earlier one had one.
    Unkeyed,
    /// A file cannot be read to its end.
    Unreadable,
}

impl DamageKind {
    /// Returns the stable name, for scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::FileMissing => "file_missing",
            Self::Altered => "altered",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Added => "added",
            Self::Unproven => "unproven",
            Self::Torn => "torn",
            Self::UnknownKey => "unknown_key",
            Self::Unkeyed => "unkeyed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One damage.
#[derive(Clone, Debug)]
pub struct Damage {
    /// The kind.
    pub kind: DamageKind,
    /// The file and the number of the line there; `None` if the damage is at no line. Of missing lines, the line after which
    /// they are missing, or before which.
    pub place: Option<(PathBuf, u64)>,
    /// The process that wrote the lines, if it is known.
    pub instance: Option<Uuid>,
    /// The numbers of the first and the last line, if they are known.
    pub seqs: Option<(u64, u64)>,
    /// The number of lines.
    pub lines: u64,
    /// What is wrong, for people.
    pub text: String,
}

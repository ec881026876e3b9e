//! What a round does to the service or to its log.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Force {
    Kill,
    Terminate,
    FillDisk,
    /// The folder cannot be written when a new file is due.
    ForbidWrites,
    RemoveFolder,
    /// The files get other names, as logrotate gives them.
    Rename,
    /// The files are copied and emptied, as logrotate does with `copytruncate`.
    CopyAndTruncate,
    Midnight,
}

impl Force {
    pub const ALL: [Self; 8] = [
        Self::Kill,
        Self::Terminate,
        Self::FillDisk,
        Self::ForbidWrites,
        Self::RemoveFolder,
        Self::Rename,
        Self::CopyAndTruncate,
        Self::Midnight,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Terminate => "SIGTERM",
            Self::FillDisk => "full disk",
            Self::ForbidWrites => "read-only folder",
            Self::RemoveFolder => "folder removed",
            Self::Rename => "files renamed",
            Self::CopyAndTruncate => "copytruncate",
            Self::Midnight => "midnight",
        }
    }

    /// Whether the program is started again, so that clients may lose answers of turns that are logged.
    pub fn restarts(self) -> bool {
        matches!(self, Self::Kill | Self::Terminate | Self::Midnight)
    }
}

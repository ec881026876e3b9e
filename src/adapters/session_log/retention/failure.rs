//! The reasons for which a file is neither compressed nor deleted.

use std::io::{self, ErrorKind};

use super::super::failure::LogUnavailable;

/// A file was neither compressed nor deleted.
#[derive(Debug, thiserror::Error)]
pub enum RetentionFailure {
    /// The file or its folder cannot be read or written.
    #[error("the file or its folder cannot be read or written")]
    Files(#[from] io::Error),
    /// The compressed copy does not have the bytes of the file.
    #[error("the compressed copy is not the same as the file")]
    Different,
    /// The file was changed since it was read.
    #[error("the file was changed meanwhile")]
    Changed,
    /// The log's last line is in a file of this day.
    #[error("the file has the last line of the log")]
    InUse,
    /// The folder of the log was moved or deleted.
    #[error("the log's folder was moved or deleted")]
    Moved,
    /// The line that declares the deletion cannot be written.
    #[error(transparent)]
    Log(#[from] LogUnavailable),
    /// The service stops.
    #[error("the service stops")]
    Stopped,
}

impl RetentionFailure {
    /// Returns whether other files would fail in the same way: the disk is full, the log cannot be written, or the service
    /// stops.
    #[must_use]
    pub fn is_of_all_files(&self) -> bool {
        match self {
            Self::Files(error) => matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded),
            Self::Moved | Self::Log(_) | Self::Stopped => true,
            Self::Different | Self::Changed | Self::InUse => false,
        }
    }
}

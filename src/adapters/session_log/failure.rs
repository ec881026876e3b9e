//! The failures of the session log.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

use crate::foundation::outage::{MayPass, Outage, Part};

/// The session log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogOpenFailure {
    /// Another process writes its session log to the folder.
    #[error(
        "another process already writes its session log in {0}; give this one a SESSION_LOG_DIR of its own or stop \
         the other"
    )]
    InUse(PathBuf),
    /// The path does not lead to a folder.
    #[error("the session log's folder {0} is not a folder; check SESSION_LOG_DIR")]
    NotAFolder(PathBuf),
    /// The folder cannot be created, read or written.
    #[error("the session log's folder {0} cannot be written; check SESSION_LOG_DIR and its permissions")]
    Folder(PathBuf, #[source] io::Error),
    /// The writer's thread could not be started.
    #[error("the thread that writes the session log could not be started")]
    Thread(#[source] io::Error),
}

/// Lines could not be written to the session log. The diagnostics have the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session log cannot be written")]
pub struct LogUnavailable;

impl MayPass for LogOpenFailure {
    fn outage(&self) -> Option<Outage> {
        match self {
            Self::Folder(_, error) => Some(outage_of(error)),
            Self::InUse(_) | Self::NotAFolder(_) | Self::Thread(_) => None,
        }
    }
}

impl MayPass for LogUnavailable {
    fn outage(&self) -> Option<Outage> {
        Some(outage("session_log_unwritten", "cannot be written"))
    }
}

/// Returns the outage that an error of the folder or its files stands for.
#[must_use]
pub fn outage_of(error: &io::Error) -> Outage {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            outage("session_log_full", "has no space left")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            outage("session_log_read_only", "cannot be written")
        }
        ErrorKind::NotFound | ErrorKind::AlreadyExists => outage("session_log_missing", "its folder does not exist"),
        _ => outage("session_log_disk", "its disk cannot be read or written"),
    }
}

fn outage(code: &'static str, state: &'static str) -> Outage {
    Outage { part: Part::SessionLog, code, state }
}

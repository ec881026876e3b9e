//! The failures of the session log.

use std::{io, path::PathBuf};

/// The session log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogOpenFailure {
    /// Another process writes its session log to the folder.
    #[error(
        "another process already writes its session log in {0}; give this one a SESSION_LOG_DIR of its own or stop \
         the other"
    )]
    InUse(PathBuf),
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

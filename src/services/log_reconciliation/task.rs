//! What is compared.

use super::period::Period;
use crate::adapters::{
    log_files::LogFile,
    served_figures::ServedFigures,
    storage::{LogSnapshot, SnapshotRows},
};

/// A log, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The files of the log. They were found after the database was read, so that they have the lines that it has counted.
    pub files: &'a [LogFile],
    /// The database.
    pub snapshot: &'a LogSnapshot,
    /// Its rows of single turns and sessions.
    pub rows: &'a SnapshotRows,
    /// The figures of the running service, read before the database was, if they are compared.
    pub served_before: Option<&'a ServedFigures>,
    /// The period to which the comparison is limited.
    pub period: &'a Period,
}

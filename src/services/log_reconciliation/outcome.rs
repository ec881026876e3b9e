//! The result of a comparison.

use std::fmt;

use serde::Serialize;

use super::sums::Sums;

/// The number of differences that are kept.
const MAX_DIFFERENCES: usize = 10_000;

/// The result of a comparison of a log with the database.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// The sums of the lines that were compared.
    pub log: Sums,
    /// The sums of the same lines in the database.
    pub database: Sums,
    /// The sums in the database of lines from before the log's first line, which are not compared.
    pub before: Sums,
    /// The sums in the database of lines that the log declares deleted, which are not compared.
    pub deleted: Sums,
    /// The number of turns, from before the database had sums by days, whose sums are not compared.
    pub earlier: u64,
    /// The number of turns in the log whose lines are not counted yet.
    pub uncounted: u64,
    /// The number of turns of processes that are probably those of another log, which are not compared.
    pub other_logs: u64,
    /// Both by days.
    pub days: Vec<Day>,
    /// The number of answers, usage records and turns of sessions in the database that were compared with their lines.
    pub rows_compared: u64,
    /// What the running service returned, if it was compared.
    pub served: Vec<ServedRange>,
    /// The differences, at most the first 10,000.
    pub differences: Vec<Difference>,
    /// The number of all differences.
    pub difference_count: u64,
    /// Whether the service has deleted a file since the files were listed. The line that declares it may be in none of them, so
    /// all is to be compared once more.
    pub is_outdated: bool,
    /// What could not be compared, and why, for people.
    pub notes: Vec<String>,
}

/// Figures of the running service before and after the database and the log were read. What was compared with them may have
/// been any value between both.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServedRange {
    /// The endpoint that returned them.
    pub source: Source,
    /// The sums before.
    pub before: Sums,
    /// The sums after.
    pub after: Sums,
}

/// An endpoint of the running service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `GET /api/openai/usage`, whose turns are answered ones.
    Usage,
    /// `GET /metrics`.
    Metrics,
}

/// The sums of a day.
#[derive(Clone, Debug, Serialize)]
pub struct Day {
    /// The date, `YYYY-MM-DD`.
    pub day: String,
    /// The sums of its lines that were compared.
    pub log: Sums,
    /// The sums of the same lines in the database.
    pub database: Sums,
    /// Whether both are the same, also by process, model and error code.
    pub same: bool,
}

/// The database knows none of the processes whose lines are in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the files have no line of a process that the database of DATABASE_URL has counted for the log in SESSION_LOG_DIR: they are \
     probably of another log, or not all files of this one; name all files of the log whose folder SESSION_LOG_DIR is"
)]
pub struct UnknownProcesses;

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lines that the database has counted are not in the log.
    Missing,
    /// A line, or the rest of a file, is damaged.
    Unreadable,
    /// The sums of turns of one process, day, model and error code differ.
    Totals,
    /// The usage totals are not the sum of all turns that the database has counted.
    UsageTotals,
    /// A row of a turn differs from its line, or the turn has no line.
    Turn,
    /// A turn, or the stop, of a session is in one of both only.
    Session,
    /// `GET /api/openai/usage` differs from the database.
    Usage,
    /// `GET /metrics` differs from the lines of the running process.
    Metrics,
}

/// A difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The kind.
    pub kind: Kind,
    /// What differs, for people.
    pub text: String,
    /// The id of the turn's request.
    pub request_id: Option<String>,
    /// The id of the session.
    pub session_id: Option<String>,
    /// The id of the process that wrote the lines.
    pub instance: Option<String>,
    /// The date of the lines.
    pub day: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The error code; empty for answered turns.
    pub code: Option<String>,
    /// The sums in the log.
    pub log: Option<Sums>,
    /// The sums in the database.
    pub database: Option<Sums>,
}

impl Difference {
    pub(super) fn new(kind: Kind, text: String) -> Self {
        Self {
            kind,
            text,
            request_id: None,
            session_id: None,
            instance: None,
            day: None,
            model: None,
            code: None,
            log: None,
            database: None,
        }
    }
}

impl fmt::Display for ServedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, [before, after]) = match self.source {
            Source::Usage => ("GET /api/openai/usage", [self.before, self.after].map(|sums| sums.answered())),
            Source::Metrics => ("GET /metrics", [self.before, self.after].map(|sums| sums.to_string())),
        };
        if self.before == self.after {
            write!(f, "{name} had {before} before and after the log was read")
        } else {
            write!(
                f,
                "{name} had {before} before the log was read, and {after} after it: figures between these are the same"
            )
        }
    }
}

impl Reconciliation {
    /// Returns whether no difference was found.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.difference_count == 0
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.difference_count += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

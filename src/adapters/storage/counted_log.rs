//! The last lines of a session log that a database has counted, read while a service may be using it.

use super::{
    database::Pool,
    handle::Storage,
    log_instances, log_totals,
    reader::{self, DatabaseReadFailure},
};
use crate::{
    domain::log_position::{CountedLines, LogPosition},
    foundation::config,
};

/// The last lines of a session log whose turns a database has added to its totals.
#[derive(Clone, Debug)]
pub struct CountedLog {
    /// The last counted lines, as far as they are still needed.
    pub lines: CountedLines,
    /// The last counted line with a turn, of each process that had one.
    pub last_turns: Vec<LogPosition>,
}

impl CountedLog {
    /// Returns whether nothing of the log is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.last_turns.is_empty()
    }
}

impl Storage {
    /// Reads what a database holds of a session log, without changing anything. A process that has opened the file of a SQLite
    /// database must not call this.
    pub async fn read_counted_lines(settings: &config::Database, log: &str) -> Result<CountedLog, DatabaseReadFailure> {
        let read = async |database: &Pool| {
            let lines = log_instances::fetch(database, log).await?;
            Ok(CountedLog { lines, last_turns: log_totals::fetch_last_lines(database, log).await? })
        };
        reader::read(settings, read).await
    }
}

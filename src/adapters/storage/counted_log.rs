//! The last line of a session log that a database has counted, read while a service may be using it.

use super::{
    handle::Storage,
    log_instances,
    reader::{self, DatabaseReadFailure},
};
use crate::{domain::log_position::CountedLines, foundation::config};

impl Storage {
    /// Reads what a database holds of a session log, without changing anything. A process that has opened the file of a SQLite
    /// database must not call this.
    pub async fn read_counted_lines(
        settings: &config::Database,
        log: &str,
    ) -> Result<CountedLines, DatabaseReadFailure> {
        reader::read(settings, async |database| log_instances::fetch(database, log).await).await
    }
}

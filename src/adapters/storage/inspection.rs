//! Checks whether a database could be opened, without writing to it.

use std::path::PathBuf;

use super::{
    database_file,
    handle::Storage,
    open_failure::DatabaseOpenFailure,
    postgres, sqlite,
    sqlite_file::{self, FileState, LOCK_SUFFIX, SHM_SUFFIX, WAL_SUFFIX},
};
use crate::foundation::{
    config::{self, DatabaseAddress},
    path_suffix::with_suffix,
};

/// The result of inspecting a database that could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseInspection {
    /// The path of the file, or the name, host and port of a database on a server.
    pub location: String,
    /// Whether the file does not exist yet.
    pub is_new: bool,
    /// Whether another process uses the file.
    pub is_in_use: bool,
}

impl Storage {
    /// Checks whether the database could be opened. Fails like [`Storage::open`], but changes nothing, and succeeds also
    /// while another process uses a SQLite file. A process that has opened the file must not call this.
    pub async fn inspect(settings: &config::Database) -> Result<DatabaseInspection, DatabaseOpenFailure> {
        match &settings.address {
            DatabaseAddress::Sqlite(address) => {
                let is_new = sqlite::inspect(address).await? == FileState::Absent;
                let is_in_use = database_file::is_in_use(&address.path);
                Ok(DatabaseInspection { location: address.path.display().to_string(), is_new, is_in_use })
            }
            DatabaseAddress::Postgres(url) => {
                let location = postgres::inspect(url, settings).await?;
                Ok(DatabaseInspection { location, is_new: false, is_in_use: false })
            }
        }
    }
}

/// Returns the paths of a SQLite database, of the files that SQLite makes beside it, and of its lock; empty for
/// PostgreSQL.
#[must_use]
pub fn files(settings: &config::Database) -> Vec<PathBuf> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => {
            let file = sqlite_file::resolved(&address.path);
            ["", WAL_SUFFIX, SHM_SUFFIX, LOCK_SUFFIX].map(|suffix| with_suffix(&file, suffix)).into()
        }
        DatabaseAddress::Postgres(_) => Vec::new(),
    }
}

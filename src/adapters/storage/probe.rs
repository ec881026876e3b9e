//! Looks whether a database could be used, without writing to it.

use super::{
    Storage, StorageFailure, beside, postgres, sqlite,
    sqlite_file::{self, Found},
};
use crate::foundation::{
    config::{self, DatabaseAddress},
    process_lock,
};

/// A database that could be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseInspection {
    /// Where it is: a file, or a database on a server.
    pub location: String,
    /// Whether the file is yet to be made.
    pub is_new: bool,
    /// Whether another process uses the file.
    pub is_in_use: bool,
}

impl Storage {
    /// Looks whether the database could be opened. Fails as [`Storage::open`] would, but changes nothing, and succeeds
    /// also while another process uses a file. Not to be called by a process that has opened the file.
    pub async fn inspect(settings: &config::Database) -> Result<DatabaseInspection, StorageFailure> {
        match &settings.address {
            DatabaseAddress::Sqlite(address) => {
                let is_new = sqlite::find(address).await? == Found::Nothing;
                let lock = beside(&sqlite_file::real(&address.path), ".lock");
                let is_in_use = process_lock::is_locked(&lock);
                Ok(DatabaseInspection { location: address.path.display().to_string(), is_new, is_in_use })
            }
            DatabaseAddress::Postgres(url) => {
                postgres::look(url, settings).await?;
                Ok(DatabaseInspection { location: postgres::place(url)?, is_new: false, is_in_use: false })
            }
        }
    }
}

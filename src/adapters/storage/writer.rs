//! Writing to a database that a service may be using, for commands.
//!
//! A command takes none of the locks by which a service has a SQLite file for itself: a service that starts meanwhile would give
//! up. SQLite's own locks order the writes of both, as long as both have the file by one path: by two, they would have two
//! write-ahead logs. No table is made or updated, since the service may be of another version.

use std::path::PathBuf;

use super::{
    database::Pool,
    database_file,
    failure::StorageFailure,
    open_failure::DatabaseOpenFailure,
    postgres, sqlite,
    sqlite_file::{FileState, absolute},
};
use crate::foundation::config::{self, DatabaseAddress, SqliteAddress};

/// The database could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseWriteFailure {
    /// There is no database file.
    #[error("there is no database yet at {0}; does DATABASE_URL name the right file? `al-chat migrate` makes it")]
    NoDatabase(PathBuf),
    /// A service uses the file, by another path.
    #[error(
        "a service uses the file {0} of DATABASE_URL by another path; name that path in DATABASE_URL, so that both write to one \
         write-ahead log"
    )]
    UsedElsewhere(PathBuf),
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] DatabaseOpenFailure),
    /// A table or a column is missing: the tables are of an earlier version.
    #[error("it could not be changed; `al-chat migrate` updates its tables")]
    Tables(#[source] StorageFailure),
    /// A statement failed.
    #[error(transparent)]
    Statement(StorageFailure),
}

impl From<StorageFailure> for DatabaseWriteFailure {
    fn from(failure: StorageFailure) -> Self {
        if let StorageFailure::Internal(_) = failure { Self::Tables(failure) } else { Self::Statement(failure) }
    }
}

/// Opens a database for a few statements. A process that has opened the file of a SQLite database must not call this.
pub(super) async fn open(settings: &config::Database) -> Result<Pool, DatabaseWriteFailure> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => open_file(address).await,
        DatabaseAddress::Postgres(url) => Ok(postgres::writer(url, settings)?),
    }
}

async fn open_file(address: &SqliteAddress) -> Result<Pool, DatabaseWriteFailure> {
    let path = &address.path;
    if sqlite::inspect(address).await? == FileState::Absent {
        return Err(DatabaseWriteFailure::NoDatabase(absolute(path)));
    }
    if database_file::is_in_use_elsewhere(path) {
        return Err(DatabaseWriteFailure::UsedElsewhere(absolute(path)));
    }
    Ok(sqlite::writer(path).await?)
}

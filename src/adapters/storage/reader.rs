//! Reading a database that a service may be using, for commands. Nothing is changed there; SQLite may make journal files
//! meanwhile.

use super::{
    database::Pool, failure::StorageFailure, open_failure::DatabaseOpenFailure, postgres, sqlite,
    sqlite_file::FileState,
};
use crate::foundation::config::{self, DatabaseAddress};

/// The database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseReadFailure {
    /// There is no database file.
    #[error("there is no database yet")]
    NoDatabase,
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] DatabaseOpenFailure),
    /// A table or a column is missing: the tables are of an earlier version.
    #[error("it could not be queried; `al-chat migrate` updates its tables")]
    Tables(#[source] StorageFailure),
    /// A query failed.
    #[error(transparent)]
    Query(StorageFailure),
}

impl From<StorageFailure> for DatabaseReadFailure {
    fn from(failure: StorageFailure) -> Self {
        if let StorageFailure::Internal(_) = failure { Self::Tables(failure) } else { Self::Query(failure) }
    }
}

/// Opens a database for reading; `None` if there is no file. A process that has opened the file of a SQLite database
/// otherwise must not call this.
pub(super) async fn open(settings: &config::Database) -> Result<Option<Pool>, DatabaseOpenFailure> {
    Ok(match &settings.address {
        DatabaseAddress::Sqlite(address) => match sqlite::inspect(address).await? {
            FileState::Database(journal) => Some(sqlite::reader(&address.path, journal)),
            FileState::Absent => None,
        },
        DatabaseAddress::Postgres(url) => Some(postgres::reader(url, settings)?),
    })
}

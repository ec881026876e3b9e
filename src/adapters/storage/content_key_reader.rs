//! Reading of keys that seal texts, from a database that a service may be using.

use super::{
    content_key::{SELECT_KEY, StoredKey, stored_key},
    database::Pool,
    failure::StorageFailure,
    open_failure::DatabaseOpenFailure,
    postgres, sqlite,
    sqlite_file::FileState,
    statement::sql,
};
use crate::foundation::config::{self, DatabaseAddress};

/// A database that is read for keys only.
#[derive(Debug)]
pub struct ContentKeyReader {
    /// `None` if there is no database.
    database: Option<Pool>,
}

impl ContentKeyReader {
    /// Opens the database without making or changing anything. A process that has opened the file of a SQLite database
    /// otherwise must not call this.
    pub async fn open(settings: &config::Database) -> Result<Self, DatabaseOpenFailure> {
        let database = match &settings.address {
            DatabaseAddress::Sqlite(address) => match sqlite::inspect(address).await? {
                FileState::Database(journal) => Some(sqlite::reader(&address.path, journal)),
                FileState::Absent => None,
            },
            DatabaseAddress::Postgres(url) => Some(postgres::reader(url, settings)?),
        };
        Ok(Self { database })
    }

    /// Returns the key with an id; `None` if it is not in the database, because it was erased or never was.
    pub async fn key(&self, id: &str) -> Result<Option<StoredKey>, StorageFailure> {
        let Some(database) = &self.database else { return Ok(None) };
        Ok(sql(SELECT_KEY).bind(id).fetch_optional(database).await?.and_then(stored_key))
    }

    /// Closes the database.
    pub async fn close(self) {
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

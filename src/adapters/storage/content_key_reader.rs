//! Reading of keys that seal texts.

use std::{collections::HashMap, sync::Arc};

use super::{
    content_key::{SELECT_KEY, StoredKey, stored_key},
    database::Pool,
    failure::StorageFailure,
    handle::Storage,
    open_failure::DatabaseOpenFailure,
    reader,
    statement::sql,
};
use crate::foundation::config;

/// Reads keys from a database, each once.
#[derive(Debug)]
pub struct ContentKeyReader {
    /// `None` if there is no database.
    database: Option<Pool>,
    /// The keys that were read, by their ids; `None` for those that were erased.
    keys: HashMap<String, Option<Arc<StoredKey>>>,
}

impl Storage {
    /// Returns a reader of keys from this database. It must not be closed.
    #[must_use]
    pub fn content_key_reader(&self) -> ContentKeyReader {
        ContentKeyReader { database: Some(self.read.clone()), keys: HashMap::new() }
    }
}

impl ContentKeyReader {
    /// Opens a database that a service may be using, without changing anything; SQLite may make journal files meanwhile. A
    /// process that has opened the file of a SQLite database otherwise must not call this.
    pub async fn open(settings: &config::Database) -> Result<Self, DatabaseOpenFailure> {
        Ok(Self { database: reader::open(settings).await?, keys: HashMap::new() })
    }

    /// Returns the key with an id; `None` if it is not in the database, because it was erased or never was.
    pub async fn key(&mut self, id: &str) -> Result<Option<Arc<StoredKey>>, StorageFailure> {
        let Some(database) = &self.database else { return Ok(None) };
        if !self.keys.contains_key(id) {
            let row = sql(SELECT_KEY).bind(id).fetch_optional(database).await?;
            self.keys.insert(id.to_owned(), row.and_then(stored_key).map(Arc::new));
        }
        Ok(self.keys.get(id).cloned().flatten())
    }

    /// Closes the database.
    pub async fn close(self) {
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

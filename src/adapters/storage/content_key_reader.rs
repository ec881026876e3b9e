//! Reading of keys that seal texts.

use std::{collections::HashMap, sync::Arc};

use super::{
    content_key::{SELECT_KEY, StoredKey, stored_key},
    database::Pool,
    failure::StorageFailure,
    handle::Storage,
    reader::{self, DatabaseReadFailure, Reader},
    statement::sql,
};
use crate::foundation::config;

/// Reads keys from a database, each once.
#[derive(Debug)]
pub struct ContentKeyReader {
    database: Source,
    /// The keys that were read, by their ids; `None` for those that were erased.
    keys: HashMap<String, Option<Arc<StoredKey>>>,
}

/// A database with keys.
#[derive(Debug)]
enum Source {
    /// That of this service.
    Own(Pool),
    /// One that was opened for reading.
    Opened(Reader),
}

impl Storage {
    /// Returns a reader of keys from this database. It must not be closed.
    #[must_use]
    pub fn content_key_reader(&self) -> ContentKeyReader {
        ContentKeyReader { database: Source::Own(self.read.clone()), keys: HashMap::new() }
    }
}

impl ContentKeyReader {
    /// Opens a database that a service may be using, without changing anything. A process that has opened the file of a SQLite
    /// database otherwise must not call this.
    pub async fn open(settings: &config::Database) -> Result<Self, DatabaseReadFailure> {
        Ok(Self { database: Source::Opened(reader::open_settled(settings).await?), keys: HashMap::new() })
    }

    /// Returns the key with an id; `None` if it is not in the database, because it was erased or never was.
    pub async fn key(&mut self, id: &str) -> Result<Option<Arc<StoredKey>>, StorageFailure> {
        let database = match &self.database {
            Source::Own(database) => database,
            Source::Opened(reader) => &reader.database,
        };
        if !self.keys.contains_key(id) {
            let row = sql(SELECT_KEY).bind(id).fetch_optional(database).await?;
            self.keys.insert(id.to_owned(), row.and_then(stored_key).map(Arc::new));
        }
        Ok(self.keys.get(id).cloned().flatten())
    }

    /// Closes the database, unless it is that of this service. Fails if what was read may be wrong.
    pub async fn close(self) -> Result<(), DatabaseReadFailure> {
        if let Source::Opened(reader) = self.database { reader.close().await } else { Ok(()) }
    }
}

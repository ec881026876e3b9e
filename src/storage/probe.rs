//! Looks whether a database could be used, without writing to it.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    path::Path,
    str::FromStr,
};

use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use tokio::time::timeout;

use super::{Storage, StorageFailure};
use crate::config;

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// A database that could be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Where it is: a file, or a database on a server.
    pub place: String,
    /// Whether the file is yet to be made.
    pub is_new: bool,
}

impl Storage {
    /// Looks whether the database could be opened, also while another process uses it. Changes nothing.
    pub async fn probe(settings: &config::Database) -> Result<Probe, StorageFailure> {
        let url = settings.url.expose_secret();
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url).map_err(StorageFailure::Address)?;
            let path = options.get_filename();
            let is_new = look(path).map_err(|error| StorageFailure::Open(sqlx::Error::Io(error)))?;
            return Ok(Probe { place: path.display().to_string(), is_new });
        }
        let options = PgConnectOptions::from_str(url).map_err(StorageFailure::Address)?;
        let database = options.get_database().unwrap_or_default();
        let place = format!("{} at {}:{}", database, options.get_host(), options.get_port());
        let connecting = async { PgConnection::connect_with(&options).await?.close().await };
        let connected = timeout(settings.connect_timeout, connecting).await.map_err(|_| StorageFailure::Silent)?;
        connected.map_err(StorageFailure::Connect)?;
        Ok(Probe { place, is_new: false })
    }
}

/// Whether the file is yet to be made. Fails if it can't be, or isn't a database that can be written.
fn look(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !path.exists() {
        return if folder.metadata()?.is_dir() { Ok(true) } else { Err(io::ErrorKind::NotADirectory.into()) };
    }
    let mut start = Vec::new();
    OpenOptions::new().read(true).append(true).open(path)?.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    if start.is_empty() || start == MAGIC {
        Ok(start.is_empty())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not a SQLite database"))
    }
}

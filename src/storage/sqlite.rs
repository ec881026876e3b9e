//! Opens a SQLite database: a file for one process.

use std::{fs::File, path::Path, str::FromStr, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{StorageFailure, database::Pool, migrations};
use crate::process_lock::{self, LockFailure};

/// A database of this process's own.
pub(super) struct Opened {
    pub(super) write: Pool,
    pub(super) read: Pool,
    /// Held as long as anybody uses the database: two services would deliver one queue twice.
    pub(super) lock: File,
}

/// Opens the database, made when it isn't there, and brings its tables up to date.
///
/// SQLite lets one connection write at a time, so one is kept for it, and readers have their own: a pool of several
/// writers would make them wait for each other's locks.
pub(super) async fn open(url: &str) -> Result<Opened, StorageFailure> {
    let options = SqliteConnectOptions::from_str(url).map_err(StorageFailure::Address)?;
    let lock = lock(options.get_filename())?;
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode a commit survives the death of the process; only power loss may take the last ones.
        .synchronous(SqliteSynchronous::Normal)
        // For a backup or a curious operator; nobody else writes here.
        .busy_timeout(Duration::from_secs(1))
        // A checkpoint holds up the turns of that moment: better one long one than ten short ones.
        .pragma("wal_autocheckpoint", "10000");
    let pool = |most| {
        SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
    };
    let write = pool(1).connect_with(options.clone()).await.map_err(StorageFailure::Open)?;
    migrations::sqlite().await?.run(&write).await?;
    let read = pool(4).connect_lazy_with(options.read_only(true));
    Ok(Opened { write: Pool::Sqlite(write), read: Pool::Sqlite(read), lock })
}

/// Takes the database for this process, by a lock on a file beside it.
fn lock(database: &Path) -> Result<File, StorageFailure> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    process_lock::take(Path::new(&path)).map_err(|failure| match failure {
        LockFailure::Taken => StorageFailure::Taken(database.to_owned()),
        LockFailure::Unusable(error) => StorageFailure::Open(sqlx::Error::Io(error)),
    })
}

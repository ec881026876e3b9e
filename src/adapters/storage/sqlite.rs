//! Opens a SQLite database: a file for one process.

use std::{fs::File, io, path::Path, time::Duration};

use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    StorageFailure,
    checkpoints::Checkpoints,
    database::Pool,
    migrations,
    recognition::{self, Tables},
    sqlite_file::{self, Beside, Found, UnusableFile},
};
use crate::foundation::{
    config::SqliteAddress,
    file_access::FileAccess,
    process_lock::{self, LockFailure},
};

/// Pages in the write-ahead log at which a commit empties it, at the latest: [`Checkpoints`] does so long before.
const MOST_PAGES: &str = "10000";

/// Bytes of the write-ahead log's file that are kept when it begins anew.
const KEPT_LOG: &str = "4194304";

/// A database of this process's own.
pub(super) struct Opened {
    pub(super) write: Pool,
    pub(super) read: Pool,
    /// To be run as long as the database is open.
    pub(super) checkpoints: Checkpoints,
    /// Held as long as anybody uses the database: two services would deliver one queue twice.
    pub(super) lock: File,
}

/// Opens the database, made when it isn't there, and brings its tables up to date.
///
/// SQLite lets one connection write at a time, so one is kept for it, and readers have their own: a pool of several
/// writers would make them wait for each other's locks.
pub(super) async fn open(address: &SqliteAddress, access: FileAccess) -> Result<Opened, StorageFailure> {
    let found = find(address).await?;
    warn_of_misunderstandings(address, found);
    let path = &address.path;
    // SQLite makes the files beside it with the permissions of this one.
    access.open_options().create(true).append(true).open(path).map_err(|error| UnusableFile::of(path, error))?;
    // Whatever links lead to it, it is one file with one lock.
    let path = &sqlite_file::real(path);
    let lock = lock(path, access)?;
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        // In WAL mode a commit survives the death of the process; only power loss may take the last ones.
        .synchronous(SqliteSynchronous::Normal)
        .pragma("wal_autocheckpoint", MOST_PAGES)
        .pragma("journal_size_limit", KEPT_LOG);
    let write = pool(1).connect_with(options.clone()).await.map_err(StorageFailure::Open)?;
    migrations::sqlite().await?.run(&write).await?;
    let read = pool(4).connect_lazy_with(options.clone().read_only(true));
    // Emptying the log waits for others this long, and as long they wait for it.
    let checkpoints = pool(1).connect_lazy_with(options.busy_timeout(Duration::from_millis(20)));
    let checkpoints = Checkpoints { pool: checkpoints, log: super::beside(path, "-wal") };
    Ok(Opened { write: Pool::Sqlite(write), read: Pool::Sqlite(read), checkpoints, lock })
}

/// Looks whether a database can be opened there, without writing anything. Fails if it can't, or if it is another
/// program's.
pub(super) async fn find(address: &SqliteAddress) -> Result<Found, StorageFailure> {
    let found = sqlite_file::look(address)?;
    let Found::Database(pending) = found else { return Ok(found) };
    match tables(&address.path, pending).await {
        Ok(Tables::Others(tables)) => {
            let database = format!("the file {}", address.path.display());
            Err(StorageFailure::OfAnother { database, tables })
        }
        Ok(_) => Ok(found),
        Err(error) => Err(StorageFailure::Open(error)),
    }
}

async fn tables(path: &Path, pending: Beside) -> Result<Tables, sqlx::Error> {
    let mut database = look_into(path, pending).await?;
    let tables = recognition::of_sqlite(&mut database).await;
    database.close().await?;
    tables
}

/// A connection for a short look, which makes no file beside the database. Without a log or journal there it takes no
/// lock: of what a process writes that begins just then, it may see a half, which reads as a damaged database.
pub(super) async fn look_into(path: &Path, pending: Beside) -> Result<SqliteConnection, sqlx::Error> {
    let options = match pending {
        // Without the files that SQLite would make beside it.
        Beside::Nothing => options(path).read_only(true).immutable(true),
        // Read along with the file; only with the right to write would it be emptied at the end.
        Beside::Log => options(path).read_only(true),
        // SQLite has to undo first what its own program was in the middle of, as that would.
        Beside::Journal => options(path),
    };
    SqliteConnection::connect_with(&options).await
}

/// Connections that read the database beside the process that uses it, also one that begins to do so meanwhile.
pub(super) fn reader(path: &Path, pending: Beside) -> SqlitePool {
    let options = match pending {
        Beside::Log => options(path).read_only(true),
        // SQLite makes files beside the database, and removes them at the end only with the right to write.
        Beside::Nothing | Beside::Journal => options(path),
    };
    pool(1).connect_lazy_with(options)
}

/// How a connection to this file is made.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    // A name that begins so would be taken for a URI.
    let is_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    let options = SqliteConnectOptions::new();
    let options = if is_uri { options.filename(Path::new(".").join(path)) } else { options.filename(path) };
    // For a backup or a curious operator; nobody else writes here.
    options.busy_timeout(Duration::from_secs(1))
}

fn pool(most: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(5)).test_before_acquire(false)
}

fn warn_of_misunderstandings(address: &SqliteAddress, found: Found) {
    let SqliteAddress { path, has_three_slashes, ignored, .. } = address;
    if !ignored.is_empty() {
        tracing::warn!("DATABASE_URL has parameters that mean nothing here: {}", ignored.join(", "));
    }
    let absolute = Path::new("/").join(path);
    if *has_three_slashes && found == Found::Nothing && !path.is_absolute() && absolute.is_file() {
        let (path, absolute) = (path.display(), absolute.display());
        tracing::warn!(
            "DATABASE_URL names {path} in the working directory, which is new; for {absolute}, which exists, it would be \
             sqlite:///{absolute}"
        );
    }
}

/// Takes the database for this process, by a lock on a file beside it.
fn lock(database: &Path, access: FileAccess) -> Result<File, StorageFailure> {
    let unusable = |error: io::Error| UnusableFile::of(database, error).into();
    process_lock::lock(&super::beside(database, ".lock"), access).map_err(|failure| match failure {
        LockFailure::Locked => StorageFailure::Taken(database.to_owned()),
        LockFailure::Unusable(error) => unusable(error),
    })
}

//! Reading a database that a service may be using, for commands. It is opened for reading only: no table is made or updated, and
//! all of it may be on a read-only file system. SQLite makes the index (`-shm`) of a write-ahead log that has none.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    database::Pool,
    failure::StorageFailure,
    open_failure::DatabaseOpenFailure,
    postgres, sqlite,
    sqlite_file::{self, FileState, JournalFile, SHM_SUFFIX, absolute, resolved},
    unused_file::UnusedFile,
};
use crate::foundation::{
    config::{self, DatabaseAddress},
    path_suffix::{folder_of, with_suffix},
};

/// The number of times that a database is read which a process begins to use meanwhile.
const ATTEMPTS: usize = 5;

/// The pause before the next attempt. A process that starts or stops has its files in order within that.
const PAUSE: Duration = Duration::from_millis(50);

/// The database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseReadFailure {
    /// There is no database file.
    #[error("there is no database yet at {0}; does DATABASE_URL name the right file?")]
    NoDatabase(PathBuf),
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] DatabaseOpenFailure),
    /// A process uses the file, by another path, or is opening or closing it.
    #[error(
        "a process uses the file {0} of DATABASE_URL, but its write-ahead log (-wal) is not beside it; try again if the process is \
         starting or stopping, otherwise name the path in DATABASE_URL by which it has opened the file"
    )]
    UsedElsewhere(PathBuf),
    /// A process began to use the file while it was read.
    #[error("a process began to use the file {0} of DATABASE_URL while it was read; try again")]
    UsedMeanwhile(PathBuf),
    /// The write-ahead log has no index, and this user may not make one.
    #[error(
        "the file {0} of DATABASE_URL has a write-ahead log (-wal) without its index (-shm), and this user may not make that in the \
         folder; copy the file and its log to another folder, and name the copy in DATABASE_URL"
    )]
    NoIndex(PathBuf),
    /// A table or a column is missing: the tables are of an earlier version.
    #[error("it could not be queried; `al-chat migrate` updates its tables")]
    Tables(#[source] StorageFailure),
    /// A query failed.
    #[error(transparent)]
    Query(StorageFailure),
}

impl DatabaseReadFailure {
    /// Whether another attempt may succeed at once.
    #[must_use]
    pub fn is_momentary(&self) -> bool {
        matches!(self, Self::UsedElsewhere(_) | Self::UsedMeanwhile(_))
    }
}

impl From<StorageFailure> for DatabaseReadFailure {
    fn from(failure: StorageFailure) -> Self {
        if let StorageFailure::Internal(_) = failure { Self::Tables(failure) } else { Self::Query(failure) }
    }
}

/// A database that is open for reading.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) database: Pool,
    /// The file, if it is read without locks.
    unused: Option<UnusedFile>,
}

impl Reader {
    /// Closes the database. Fails if a process has used a file that was read without locks: what was read may be wrong.
    pub(super) async fn close(self) -> Result<(), DatabaseReadFailure> {
        self.database.close().await;
        self.unused.as_ref().map_or(Ok(()), ensure_unused)
    }
}

/// Opens a database for reading. A process that has opened the file of a SQLite database otherwise must not call this.
pub(super) async fn open(settings: &config::Database) -> Result<Reader, DatabaseReadFailure> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => open_file(&address.path).await,
        DatabaseAddress::Postgres(url) => Ok(Reader { database: postgres::reader(url, settings)?, unused: None }),
    }
}

async fn open_file(path: &Path) -> Result<Reader, DatabaseReadFailure> {
    let FileState::Database(journal) = sqlite_file::inspect_to_read(path).map_err(DatabaseOpenFailure::from)? else {
        return Err(DatabaseReadFailure::NoDatabase(absolute(path)));
    };
    let unused = if journal == JournalFile::RollbackJournal { None } else { UnusedFile::at(path) };
    if unused.is_none() {
        ensure_readable_with_locks(path, journal)?;
    }
    let opened = sqlite::read_only(path, unused.is_none()).await;
    if let (Err(_), Some(file)) = (&opened, &unused) {
        // Half of a change looks like damage.
        ensure_unused(file)?;
    }
    Ok(Reader { database: opened?, unused })
}

/// Fails if a file that a process uses, or has left behind, cannot be read with locks.
fn ensure_readable_with_locks(path: &Path, journal: JournalFile) -> Result<(), DatabaseReadFailure> {
    let file = resolved(path);
    let has_no_index =
        || !with_suffix(&file, SHM_SUFFIX).exists() && sqlite_file::ensure_writable(folder_of(&file)).is_err();
    match journal {
        // A service always has a log beside the path by which it has opened the database.
        JournalFile::None => Err(DatabaseReadFailure::UsedElsewhere(absolute(path))),
        JournalFile::WriteAheadLog if has_no_index() => Err(DatabaseReadFailure::NoIndex(absolute(path))),
        JournalFile::WriteAheadLog | JournalFile::RollbackJournal => Ok(()),
    }
}

fn ensure_unused(file: &UnusedFile) -> Result<(), DatabaseReadFailure> {
    if file.is_unused() { Ok(()) } else { Err(DatabaseReadFailure::UsedMeanwhile(absolute(file.path()))) }
}

/// Opens a database for reading, and waits for a process that starts or stops.
pub(super) async fn open_settled(settings: &config::Database) -> Result<Reader, DatabaseReadFailure> {
    settled(async || open(settings).await).await
}

/// Reads a database with a function, again if a process begins to use it meanwhile.
pub(super) async fn read<T>(
    settings: &config::Database,
    read: impl AsyncFn(&Pool) -> Result<T, StorageFailure>,
) -> Result<T, DatabaseReadFailure> {
    let attempt = async || {
        let reader = open(settings).await?;
        let outcome = read(&reader.database).await;
        reader.close().await?;
        Ok(outcome?)
    };
    settled(attempt).await
}

/// Makes attempts until none fails because a process starts, stops, or begins to use the file.
async fn settled<T>(
    mut attempt: impl AsyncFnMut() -> Result<T, DatabaseReadFailure>,
) -> Result<T, DatabaseReadFailure> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(failure) if failure.is_momentary() => sleep(PAUSE).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

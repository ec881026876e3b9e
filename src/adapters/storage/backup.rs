//! Backups of a SQLite database: consistent copies, made while another process uses the database.

use std::{
    fs,
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    database::Pool,
    database_file,
    failure::StorageFailure,
    log_instances,
    open_failure::DatabaseOpenFailure,
    sqlite,
    sqlite_file::{FileState, JournalFile, RUN_MARK_OFFSET, RunMark},
    statement::sql,
};
use crate::{
    domain::log_position::CountedLines,
    foundation::{
        config::{self, DatabaseAddress},
        file_access::FileAccess,
        path_suffix::with_suffix,
    },
};

/// The backup could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// The database is on a PostgreSQL server, which has its own tool.
    #[error("the database is on a PostgreSQL server; make its backup with pg_dump")]
    OnServer,
    /// The database file does not exist.
    #[error("the file {0} of DATABASE_URL does not exist, so there is nothing to make a backup of")]
    NoDatabase(PathBuf),
    /// A server uses the file, by another path.
    #[error(
        "a server uses the database {0} by another path, and the write-ahead log with its latest changes is there; name that \
         path in DATABASE_URL"
    )]
    OtherPath(PathBuf),
    /// The file of the backup exists already.
    #[error("{0} exists, and no backup is written over it; name another file")]
    Exists(PathBuf),
    /// The file of the backup cannot be written.
    #[error("the backup {0} cannot be written; does its folder exist, and may this user write there?")]
    Write(PathBuf, #[source] io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] DatabaseOpenFailure),
    /// The database cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// A SQLite database, opened for reading, to make a backup of.
#[derive(Debug)]
pub struct BackupSource {
    database: Pool,
    access: FileAccess,
}

impl BackupSource {
    /// Opens the database for reading.
    pub async fn open(settings: &config::Database) -> Result<Self, BackupFailure> {
        let DatabaseAddress::Sqlite(address) = &settings.address else { return Err(BackupFailure::OnServer) };
        let FileState::Database(journal) = sqlite::inspect(address).await? else {
            return Err(BackupFailure::NoDatabase(address.path.clone()));
        };
        // A server always has a log beside the path by which it has opened the database.
        if journal == JournalFile::None && database_file::is_in_use(&address.path) {
            return Err(BackupFailure::OtherPath(address.path.clone()));
        }
        let database = sqlite::reader(&address.path, journal);
        Ok(Self { database, access: settings.file_access })
    }

    /// Returns what the database holds of a session log.
    pub async fn counted_lines(&self, log: &str) -> Result<CountedLines, BackupFailure> {
        Ok(log_instances::fetch(&self.database, log).await?)
    }

    /// Copies everything that is committed to a new file, and returns its length in bytes. The file gets its name when it
    /// is complete and flushed to the disk.
    pub async fn copy_to(&self, file: &Path) -> Result<u64, BackupFailure> {
        let partial = with_suffix(file, ".part");
        let copied = self.copy(&partial, file).await;
        if copied.is_err() && !matches!(copied, Err(BackupFailure::Exists(_))) {
            // Fails if the partial file was never made.
            let _ = fs::remove_file(&partial);
        }
        copied
    }

    async fn copy(&self, partial: &Path, file: &Path) -> Result<u64, BackupFailure> {
        let failure = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => BackupFailure::Exists(partial.to_owned()),
            _ => BackupFailure::Write(file.to_owned(), error),
        };
        if fs::symlink_metadata(file).is_ok() {
            return Err(BackupFailure::Exists(file.to_owned()));
        }
        // VACUUM INTO accepts an empty file and keeps its permissions.
        let mut copy = self.access.open_options().create_new(true).write(true).open(partial).map_err(failure)?;
        let name = partial.to_str().ok_or_else(|| failure(ErrorKind::InvalidFilename.into()))?;
        sql("VACUUM INTO $1").bind(name).execute(&self.database).await?;
        copy.seek(SeekFrom::Start(RUN_MARK_OFFSET as u64)).map_err(failure)?;
        copy.write_all(&RunMark::default()).map_err(failure)?;
        copy.sync_all().map_err(failure)?;
        fs::rename(partial, file).map_err(failure)?;
        Ok(copy.metadata().map_err(failure)?.len())
    }

    /// Closes the database.
    pub async fn close(self) {
        self.database.close().await;
    }
}

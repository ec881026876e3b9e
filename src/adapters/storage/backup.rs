//! Backups of a SQLite database: consistent copies, made while another process uses the database.

use std::{
    fs,
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    database::Pool,
    failure::StorageFailure,
    log_instances,
    reader::{self, DatabaseReadFailure, Reader},
    sqlite_file::{RUN_MARK_OFFSET, RunMark},
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
    /// The file of the backup exists already.
    #[error("{0} exists, and no backup is written over it; name another file")]
    Exists(PathBuf),
    /// The file of the backup cannot be written.
    #[error("the backup {0} cannot be written; does its folder exist, and may this user write there?")]
    Write(PathBuf, #[source] io::Error),
    /// The database cannot be opened, or a process began to use its file meanwhile.
    #[error(transparent)]
    Read(DatabaseReadFailure),
    /// The database cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

impl BackupFailure {
    /// Whether another attempt may succeed at once.
    #[must_use]
    pub fn is_momentary(&self) -> bool {
        matches!(self, Self::Read(failure) if failure.is_momentary())
    }
}

impl From<DatabaseReadFailure> for BackupFailure {
    fn from(failure: DatabaseReadFailure) -> Self {
        match failure {
            DatabaseReadFailure::NoDatabase(path) => Self::NoDatabase(path),
            failure => Self::Read(failure),
        }
    }
}

/// A SQLite database, opened for reading, to make a backup of.
#[derive(Debug)]
pub struct BackupSource {
    reader: Reader,
    access: FileAccess,
}

impl BackupSource {
    /// Opens the database for reading, without changing anything.
    pub async fn open(settings: &config::Database) -> Result<Self, BackupFailure> {
        let DatabaseAddress::Sqlite(_) = &settings.address else { return Err(BackupFailure::OnServer) };
        Ok(Self { reader: reader::open_settled(settings).await?, access: settings.file_access })
    }

    /// Returns what the database holds of a session log.
    pub async fn counted_lines(&self, log: &str) -> Result<CountedLines, BackupFailure> {
        Ok(log_instances::fetch(&self.reader.database, log).await?)
    }

    /// Copies everything that is committed to a new file, closes the database, and returns the length of the file in bytes. The
    /// file gets its name when it is complete and flushed to the disk.
    pub async fn copy_to(self, file: &Path) -> Result<u64, BackupFailure> {
        let partial = with_suffix(file, ".part");
        let copied = copy(&self.reader.database, self.access, &partial, file).await;
        let closed = self.close().await;
        let named = closed.and(copied).and_then(|bytes| {
            fs::rename(&partial, file).map_err(|error| BackupFailure::Write(file.to_owned(), error))?;
            Ok(bytes)
        });
        if named.is_err() && !matches!(named, Err(BackupFailure::Exists(_))) {
            // Fails if the partial file was never made.
            let _ = fs::remove_file(&partial);
        }
        named
    }

    /// Closes the database. Fails if a process has begun to use its file since it was opened: what was read may be wrong.
    pub async fn close(self) -> Result<(), BackupFailure> {
        Ok(self.reader.close().await?)
    }
}

/// Copies a database to the new file `partial`, and returns the length of that.
async fn copy(database: &Pool, access: FileAccess, partial: &Path, file: &Path) -> Result<u64, BackupFailure> {
    let failure = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => BackupFailure::Exists(partial.to_owned()),
        _ => BackupFailure::Write(file.to_owned(), error),
    };
    if fs::symlink_metadata(file).is_ok() {
        return Err(BackupFailure::Exists(file.to_owned()));
    }
    // VACUUM INTO accepts an empty file and keeps its permissions.
    let mut copy = access.open_options().create_new(true).write(true).open(partial).map_err(failure)?;
    let name = partial.to_str().ok_or_else(|| failure(ErrorKind::InvalidFilename.into()))?;
    sql("VACUUM INTO $1").bind(name).execute(database).await?;
    copy.seek(SeekFrom::Start(RUN_MARK_OFFSET as u64)).map_err(failure)?;
    copy.write_all(&RunMark::default()).map_err(failure)?;
    copy.sync_all().map_err(failure)?;
    Ok(copy.metadata().map_err(failure)?.len())
}

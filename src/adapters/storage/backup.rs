//! A copy of a SQLite database, whole and of one moment, made beside the process that uses it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{
    StorageFailure, beside, books,
    database::{Pool, sql},
    sqlite,
    sqlite_file::Found,
};
use crate::{
    domain::log_position::LogPosition,
    foundation::{
        config::{self, DatabaseAddress},
        file_access::FileAccess,
    },
};

/// There is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// The database is on a server.
    #[error("the database is on a PostgreSQL server; make its backup with pg_dump")]
    OnServer,
    /// There is no database yet.
    #[error("the file {0} of DATABASE_URL does not exist, so there is nothing to make a backup of")]
    Nothing(PathBuf),
    /// A file is there.
    #[error("{0} exists, and no backup is written over it; name another file")]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("the backup {0} cannot be written; does its folder exist, and may this user write there?")]
    Write(PathBuf, #[source] io::Error),
    /// The database cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// A database file to make a backup of.
#[derive(Debug)]
pub struct BackupSource {
    database: Pool,
    access: FileAccess,
}

impl BackupSource {
    /// Opens the database for reading.
    pub async fn open(settings: &config::Database) -> Result<Self, BackupFailure> {
        let DatabaseAddress::Sqlite(address) = &settings.address else { return Err(BackupFailure::OnServer) };
        let Found::Database(pending) = sqlite::find(address).await? else {
            return Err(BackupFailure::Nothing(address.path.clone()));
        };
        let database = Pool::Sqlite(sqlite::reader(&address.path, pending));
        Ok(Self { database, access: settings.file_access })
    }

    /// Up to where the turns of this session log are in the database, by day; the latest days only.
    pub async fn log_positions(&self, log: &str) -> Result<Vec<LogPosition>, BackupFailure> {
        Ok(books::places(&self.database, log).await?)
    }

    /// Copies all that is committed by now to a new file, which appears when it is complete and on the disk. Returns its
    /// length in bytes.
    pub async fn copy_to(&self, file: &Path) -> Result<u64, BackupFailure> {
        let partial = beside(file, ".part");
        let copied = self.copy(&partial, file).await;
        if copied.is_err() && !matches!(copied, Err(BackupFailure::Exists(_))) {
            // One that isn't there need not be removed.
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
        // SQLite writes to an empty file, whose permissions stay.
        let copy = self.access.open_options().create_new(true).write(true).open(partial).map_err(failure)?;
        let name = partial.to_str().ok_or_else(|| failure(ErrorKind::InvalidFilename.into()))?;
        sql("VACUUM INTO $1").bind(name).execute(&self.database).await?;
        copy.sync_all().map_err(failure)?;
        fs::rename(partial, file).map_err(failure)?;
        Ok(copy.metadata().map_err(failure)?.len())
    }

    /// Closes the database.
    pub async fn close(self) {
        self.database.close().await;
    }
}

//! The failures of opening a database, each with what the operator can do about it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::{failure::StorageFailure, sqlite_file::UnusableFile};

/// The database of `DATABASE_URL` could not be opened, or its tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseOpenFailure {
    /// `DATABASE_URL` is not a valid address.
    #[error("DATABASE_URL is not an address of a SQLite or PostgreSQL database")]
    InvalidAddress(#[source] sqlx::Error),
    /// The SQLite file, or its folder, cannot be used.
    #[error(transparent)]
    UnusableFile(#[from] UnusableFile),
    /// SQLite could not open the file.
    #[error("the file of DATABASE_URL could not be opened as a SQLite database; is it damaged, or in use elsewhere?")]
    Sqlite(#[source] sqlx::Error),
    /// The database holds the tables of another program.
    #[error(
        "{database} of DATABASE_URL belongs to another program (it has the tables {tables}) and was left as it is; \
         al-chat needs a database of its own, such as DATABASE_URL=sqlite:///al-chat.db"
    )]
    OtherProgram {
        /// The file or the schema, for people.
        database: String,
        /// The names of some of the tables.
        tables: String,
    },
    /// The PostgreSQL server could not be connected to.
    #[error("the database's server could not be used; are host, name, user and password of DATABASE_URL right?")]
    Connect(#[source] sqlx::Error),
    /// The tables have a version that this al-chat does not have.
    #[error(
        "the database's tables could not be brought up to date; was it made by a newer al-chat? Use that, or another DATABASE_URL"
    )]
    UnknownVersion(#[source] MigrateError),
    /// A migration failed.
    #[error("the database's tables could not be made or changed; may the user of DATABASE_URL make tables there?")]
    Migration(#[source] MigrateError),
    /// Another process has the SQLite file open.
    #[error("another process already uses the database {0}; give this one a DATABASE_URL of its own or stop the other")]
    InUse(PathBuf),
    /// A statement failed after the database was opened.
    #[error(transparent)]
    Statement(#[from] StorageFailure),
}

impl From<MigrateError> for DatabaseOpenFailure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..) => Self::Migration(error),
            error => Self::UnknownVersion(error),
        }
    }
}

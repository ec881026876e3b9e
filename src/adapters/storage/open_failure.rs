//! The failures of opening a database, each with what the operator can do about it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::{failure::StorageFailure, problem::DatabaseProblem, sqlite_file::UnusableFile};
use crate::foundation::outage::{MayPass, Outage};

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
    #[error("the file of DATABASE_URL {}", file_sentence(DatabaseProblem::of(.0)))]
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
    #[error("the database's server (DATABASE_URL) {}", server_sentence(DatabaseProblem::of(.0)))]
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

impl DatabaseOpenFailure {
    /// Whether `DATABASE_URL` is wrong for certain, so that a restart would not help.
    #[must_use]
    pub fn is_wrong_setting(&self) -> bool {
        match self {
            Self::InvalidAddress(_) => true,
            Self::Connect(error) => DatabaseProblem::of(error).is_wrong_setting(),
            _ => false,
        }
    }
}

impl MayPass for DatabaseOpenFailure {
    fn outage(&self) -> Option<Outage> {
        match self {
            Self::UnusableFile(file) => file.outage(),
            Self::Sqlite(error) | Self::Connect(error) => DatabaseProblem::of(error).outage(),
            Self::Statement(failure) => failure.outage(),
            _ => None,
        }
    }
}

impl From<MigrateError> for DatabaseOpenFailure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
                if DatabaseProblem::of(&error).outage().is_some() =>
            {
                Self::Statement(error.into())
            }
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..) => Self::Migration(error),
            error => Self::UnknownVersion(error),
        }
    }
}

/// Describes a problem with a SQLite file, behind the words "the file".
fn file_sentence(problem: DatabaseProblem) -> &'static str {
    match problem {
        DatabaseProblem::Locked => "is locked by another program",
        DatabaseProblem::Full => "has no space left on its disk",
        DatabaseProblem::ReadOnly => "cannot be written by this user",
        DatabaseProblem::Disk => "cannot be read or written; does its disk work?",
        _ => "could not be opened as a SQLite database; is it damaged?",
    }
}

/// Describes a problem with a PostgreSQL server, behind the words "the server".
fn server_sentence(problem: DatabaseProblem) -> &'static str {
    match problem {
        DatabaseProblem::Refused => "refuses connections; is it running, and are host and port right?",
        DatabaseProblem::NameNotResolved => {
            "has a host name that cannot be resolved; check its spelling and this machine's DNS"
        }
        DatabaseProblem::Unreachable => "cannot be reached; check host, port and the network",
        DatabaseProblem::Silent => "does not answer within DATABASE_CONNECT_TIMEOUT; does it stand still?",
        DatabaseProblem::Restarting => "is starting or stopping",
        DatabaseProblem::TooManyConnections => {
            "has no connection left; raise its max_connections, or lower DATABASE_CONNECTIONS"
        }
        DatabaseProblem::LoginRefused => {
            "refuses the login; are user and password right, and does it accept this host?"
        }
        DatabaseProblem::NoDatabase => "has no database of this name; make it, or name another one",
        DatabaseProblem::Tls => "offers no TLS connection as sslmode and sslrootcert demand it",
        _ => "could not be used",
    }
}

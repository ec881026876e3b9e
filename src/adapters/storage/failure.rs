//! The failures of an open database, by what an operator has to do about them.

use std::io;

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

use super::file_loss::FileLoss;
use crate::foundation::descriptors;

/// A statement failed. The variant says why, its source carries the database's own error.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The server did not answer in time or refused the connection, or the file cannot be read or written.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// This process has no file descriptor left for the database.
    #[error("no file descriptor is left for the database; raise the limit of open files (ulimit -n, LimitNOFILE)")]
    NoDescriptors(#[source] sqlx::Error),
    /// The statement waited too long for a connection, for a lock, or for its own end.
    #[error("the database is too busy")]
    Busy(#[source] sqlx::Error),
    /// The disk, or the space that the database may use, is full.
    #[error("the database has no space left")]
    Full(#[source] sqlx::Error),
    /// The file or a table is damaged.
    #[error("the database is damaged; restore a backup")]
    Corrupt(#[source] sqlx::Error),
    /// The statement or the conversion of its values is wrong, which is a fault of al-chat.
    #[error("the database refused a statement of al-chat, which is a fault of al-chat")]
    Internal(#[source] sqlx::Error),
    /// The statement needs turns that have ended but are not in the database yet.
    #[error("turns that have ended are not in the database yet")]
    TurnsNotWritten,
    /// The file is not at its path any more.
    #[error("the database's {}", .0.state())]
    FileLost(FileLoss),
}

/// Constructs a failure of one variant from its source.
type Variant = fn(sqlx::Error) -> StorageFailure;

impl StorageFailure {
    /// Whether the same statement may succeed later without a change by the operator.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::NoDescriptors(_) | Self::Busy(_) | Self::Full(_))
    }

    /// Whether the statement may have taken effect although it failed: its answer was lost.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// The failure of a server that does not answer within the time limit.
    pub(super) fn no_response() -> Self {
        Self::Unreachable(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within the time limit")))
    }
}

impl From<sqlx::Error> for StorageFailure {
    fn from(error: sqlx::Error) -> Self {
        variant(&error)(error)
    }
}

fn variant(error: &sqlx::Error) -> Variant {
    match error {
        sqlx::Error::Database(error) => database_variant(error.as_ref()),
        sqlx::Error::PoolTimedOut => StorageFailure::Busy,
        sqlx::Error::Io(error) if descriptors::is_shortage(error) => StorageFailure::NoDescriptors,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StorageFailure::Unreachable,
        _ => StorageFailure::Internal,
    }
}

fn database_variant(error: &dyn DatabaseError) -> Variant {
    let code = error.code();
    let code = code.as_deref().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        code.parse().map_or(StorageFailure::Internal, sqlite_variant)
    } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        postgres_variant(code)
    } else {
        StorageFailure::Internal
    }
}

/// Returns the variant for an extended result code of SQLite (<https://sqlite.org/rescode.html>). Its lowest byte is the
/// primary result code.
fn sqlite_variant(code: i32) -> Variant {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => StorageFailure::Busy,
        // SQLITE_FULL
        13 => StorageFailure::Full,
        // SQLITE_CORRUPT, SQLITE_NOTADB
        11 | 26 => StorageFailure::Corrupt,
        // SQLITE_CANTOPEN, which doesn't say why the file cannot be opened.
        14 if descriptors::are_exhausted() => StorageFailure::NoDescriptors,
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN
        3 | 8 | 10 | 14 => StorageFailure::Unreachable,
        _ => StorageFailure::Internal,
    }
}

/// Returns the variant for an SQLSTATE of PostgreSQL
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). Its first two characters are its class.
fn postgres_variant(sqlstate: &str) -> Variant {
    match (sqlstate.get(..2).unwrap_or_default(), sqlstate) {
        // disk_full
        (_, "53100") => StorageFailure::Full,
        // data_corrupted, index_corrupted
        (_, "XX001" | "XX002") => StorageFailure::Corrupt,
        // Transaction rollback and insufficient resources; lock_not_available, query_canceled (by the time limit of
        // statements), idle_in_transaction_session_timeout.
        ("40" | "53", _) | (_, "55P03" | "57014" | "25P03") => StorageFailure::Busy,
        // Connection exception, invalid authorization, operator intervention (such as a shutdown), system error;
        // invalid_catalog_name (no such database), read_only_sql_transaction (a standby).
        ("08" | "28" | "57" | "58", _) | (_, "3D000" | "25006") => StorageFailure::Unreachable,
        _ => StorageFailure::Internal,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

    use super::*;
    use crate::foundation::error_chain::ErrorChain;

    async fn failure_of(database: &mut SqliteConnection, statement: &'static str) -> StorageFailure {
        database.execute(statement).await.unwrap_err().into()
    }

    #[tokio::test]
    async fn sqlite_errors_are_classified() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let failure = failure_of(&mut database, "INSERT INTO nothing VALUES (1)").await;
        assert!(matches!(failure, StorageFailure::Internal(_)), "{failure:?}");
        database.execute("PRAGMA max_page_count = 4; CREATE TABLE bytes (bytes BLOB)").await.unwrap();
        let failure = failure_of(&mut database, "INSERT INTO bytes VALUES (zeroblob(100000))").await;
        assert!(matches!(failure, StorageFailure::Full(_)), "{failure:?}");
        let text = ErrorChain(&failure).to_string();
        assert_eq!(text.matches("database or disk is full").count(), 1, "{text}");
    }

    #[tokio::test]
    async fn a_locked_and_a_damaged_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let options = |name| SqliteConnectOptions::new().filename(dir.path().join(name)).create_if_missing(true);
        let options = |name| options(name).busy_timeout(std::time::Duration::ZERO);
        let mut first = SqliteConnection::connect_with(&options("app.db")).await.unwrap();
        let mut second = SqliteConnection::connect_with(&options("app.db")).await.unwrap();
        first.execute("BEGIN IMMEDIATE").await.unwrap();
        let failure = failure_of(&mut second, "BEGIN IMMEDIATE").await;
        assert!(matches!(failure, StorageFailure::Busy(_)), "{failure:?}");
        std::fs::write(dir.path().join("notes.db"), "Buy milk. ".repeat(100)).unwrap();
        let mut notes = SqliteConnection::connect_with(&options("notes.db")).await.unwrap();
        let failure = failure_of(&mut notes, "SELECT * FROM sqlite_schema").await;
        assert!(matches!(failure, StorageFailure::Corrupt(_)), "{failure:?}");
    }

    #[test]
    fn postgres_errors_are_classified() {
        let name = |sqlstate| match postgres_variant(sqlstate)(sqlx::Error::PoolTimedOut) {
            StorageFailure::Unreachable(_) => "unreachable",
            StorageFailure::NoDescriptors(_) => "no descriptors",
            StorageFailure::Busy(_) => "busy",
            StorageFailure::Full(_) => "full",
            StorageFailure::Corrupt(_) => "corrupt",
            StorageFailure::Internal(_) => "internal",
            StorageFailure::TurnsNotWritten => "not written",
            StorageFailure::FileLost(_) => "lost",
        };
        for (sqlstate, expected) in [
            ("57P01", "unreachable"),
            ("08006", "unreachable"),
            ("3D000", "unreachable"),
            ("57014", "busy"),
            ("40P01", "busy"),
            ("53300", "busy"),
            ("53100", "full"),
            ("XX001", "corrupt"),
            ("42P01", "internal"),
            ("", "internal"),
        ] {
            assert_eq!(name(sqlstate), expected, "{sqlstate}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_busy() {
        assert!(matches!(StorageFailure::from(sqlx::Error::PoolTimedOut), StorageFailure::Busy(_)));
        let silent = StorageFailure::no_response();
        assert_eq!(
            ErrorChain(&silent).to_string(),
            "the database cannot be reached: error communicating with database: no answer within the time limit"
        );
    }
}

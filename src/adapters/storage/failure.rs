//! The failures of an open database, by what an operator has to do about them.

use super::{file_loss::FileLoss, problem::DatabaseProblem};
use crate::foundation::outage::{MayPass, Outage, Part};

/// A statement failed. The variant says why, its source carries the database's own error.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The server did not answer in time or refused the connection, or the file cannot be read or written.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// This process has no file descriptor left for the database.
    #[error("no file descriptor is left for the database; raise the limit of open files (ulimit -n, LimitNOFILE)")]
    NoDescriptors(#[source] sqlx::Error),
    /// The statement waited too long for a lock or for its own end.
    #[error("the database is too busy")]
    Busy(#[source] sqlx::Error),
    /// No connection was free within the time limit, and none could be made.
    #[error("the database gives no connection; its server is away or too busy")]
    NoConnection(#[source] sqlx::Error),
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
    /// An attempt that seemed to have failed has stored turns, after another one has read which are stored.
    #[error("an earlier attempt has stored turns meanwhile")]
    CountedMeanwhile,
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
        matches!(
            self,
            Self::Unreachable(_) | Self::NoDescriptors(_) | Self::Busy(_) | Self::NoConnection(_) | Self::Full(_)
        )
    }

    /// Whether the statement may have taken effect although it failed: its answer was lost.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

impl From<sqlx::Error> for StorageFailure {
    fn from(error: sqlx::Error) -> Self {
        variant(DatabaseProblem::of(&error))(error)
    }
}

impl MayPass for StorageFailure {
    fn outage(&self) -> Option<Outage> {
        match self {
            Self::Unreachable(error)
            | Self::NoDescriptors(error)
            | Self::Busy(error)
            | Self::NoConnection(error)
            | Self::Full(error) => DatabaseProblem::of(error).outage(),
            Self::TurnsNotWritten | Self::CountedMeanwhile => {
                Some(Outage { part: Part::Database, code: "database_unwritten", state: "cannot be written" })
            }
            Self::Corrupt(_) | Self::Internal(_) | Self::FileLost(_) => None,
        }
    }
}

fn variant(problem: DatabaseProblem) -> Variant {
    use DatabaseProblem as Problem;
    match problem {
        Problem::Locked | Problem::Busy | Problem::TooManyConnections => StorageFailure::Busy,
        Problem::NoConnection => StorageFailure::NoConnection,
        Problem::NoDescriptors => StorageFailure::NoDescriptors,
        Problem::Full => StorageFailure::Full,
        Problem::Damaged => StorageFailure::Corrupt,
        Problem::Other => StorageFailure::Internal,
        _ => StorageFailure::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

    use super::*;
    use crate::{adapters::storage::database::within, foundation::error_chain::ErrorChain};

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
        let options = |name| options(name).busy_timeout(Duration::ZERO);
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

    #[tokio::test]
    async fn a_pool_without_a_connection_is_told_from_a_busy_server() {
        assert!(matches!(StorageFailure::from(sqlx::Error::PoolTimedOut), StorageFailure::NoConnection(_)));
        let silent = within(Duration::ZERO, pending::<Result<(), _>>()).await.unwrap_err();
        let silent = StorageFailure::from(silent);
        assert_eq!(
            ErrorChain(&silent).to_string(),
            "the database cannot be reached: error communicating with database: no answer within the time limit"
        );
    }
}

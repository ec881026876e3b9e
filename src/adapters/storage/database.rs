//! Connection pools and transactions of either database.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};

use sqlx::{Database, PgPool, Postgres, Sqlite, SqlitePool, pool::PoolConnection};
use tokio::time::timeout;

use super::{database_file::DatabaseFile, failure::StorageFailure};

/// The time within which a connection must pass the pool's test when it is returned.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool of connections to a database. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqliteConnections),
    Postgres(PostgresPool),
}

/// A pool of connections to a SQLite file.
#[derive(Clone, Debug)]
pub(super) struct SqliteConnections {
    pub(super) connections: SqlitePool,
    /// The file, if this process has locked it.
    pub(super) file: Option<Arc<DatabaseFile>>,
}

impl SqliteConnections {
    /// Fails if the file is not at its path any more. A change of the last 250 ms may not be known yet.
    pub(super) fn ensure_in_place(&self) -> Result<(), StorageFailure> {
        let Some(file) = &self.file else { return Ok(()) };
        // A new connection would be to whatever file is at the path now.
        file.ensure_in_place(self.connections.num_idle() == 0)
    }

    /// Fails if the file is not at its path now.
    fn check_file(&self) -> Result<(), StorageFailure> {
        self.file.as_ref().map_or(Ok(()), |file| file.ensure_in_place(true))
    }
}

/// A pool of connections to a PostgreSQL server, with a time limit for its answers.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pub(super) connections: PgPool,
    /// The time limit for an answer. It is longer than the server's own limit for a statement, and ends the wait for a
    /// server that no longer answers at all.
    pub(super) response_timeout: Duration,
}

impl Pool {
    /// Begins a transaction. If it is dropped without a commit, none of its changes take effect.
    pub(super) async fn begin(&self) -> Result<Transaction, StorageFailure> {
        // IMMEDIATE takes the write lock at once. A transaction that begins by reading may fail to get it later.
        self.begin_with("BEGIN IMMEDIATE", "BEGIN").await
    }

    /// Begins a transaction that only reads: all its statements see the database as it is at the first one.
    pub(super) async fn begin_reading(&self) -> Result<Transaction, StorageFailure> {
        self.begin_with("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_with(&self, sqlite: &'static str, postgres: &'static str) -> Result<Transaction, StorageFailure> {
        match self {
            Self::Sqlite(pool) => {
                pool.check_file()?;
                // The connection is wrapped before the transaction begins: if this future is dropped meanwhile, the
                // connection is closed and not returned with an open transaction.
                let mut pooled = PooledConnection::acquire(&pool.connections).await?;
                sqlx::raw_sql(sqlite).execute(&mut *pooled.connection).await?;
                Ok(Transaction::Sqlite(pooled))
            }
            Self::Postgres(PostgresPool { connections, response_timeout }) => {
                let beginning = async {
                    let mut pooled = PooledConnection::acquire(connections).await?;
                    sqlx::raw_sql(postgres).execute(&mut *pooled.connection).await?;
                    Ok(pooled)
                };
                Ok(Transaction::Postgres(within(*response_timeout, Box::pin(beginning)).await?, *response_timeout))
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.connections.close().await,
            // The connections to a server that does not answer are dropped.
            Self::Postgres(pool) => drop(timeout(pool.response_timeout, pool.connections.close()).await),
        }
    }
}

/// A connection taken from a pool. It is closed instead of returned if it is dropped before its statement has finished or
/// while a transaction is open. Closing ends a transaction in any state: SQLite may have ended it after a commit that
/// failed on a full disk, so that a rollback would fail too, and a server may never answer again.
#[derive(Debug)]
pub(super) struct PooledConnection<D: Database> {
    pub(super) connection: PoolConnection<D>,
    is_reusable: bool,
}

impl<D: Database> PooledConnection<D> {
    pub(super) async fn acquire(pool: &sqlx::Pool<D>) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: Box::pin(pool.acquire()).await?, is_reusable: false })
    }

    /// Returns the connection to its pool if the outcome of its last statement is an answer, even one that is an error.
    pub(super) fn finish<T>(mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_reusable = matches!(outcome, Ok(_) | Err(sqlx::Error::Database(_)));
        outcome
    }
}

impl<D: Database> Drop for PooledConnection<D> {
    #[expect(clippy::disallowed_methods, reason = "the pool would do the same, without a time limit")]
    fn drop(&mut self) {
        if self.is_reusable {
            // The pool tests a connection when it is returned, and would wait without limit for one that is dead.
            tokio::spawn(timeout(RETURN_TIMEOUT, self.connection.return_to_pool()));
        } else {
            self.connection.close_on_drop();
        }
    }
}

/// An open transaction.
#[derive(Debug)]
pub(super) enum Transaction {
    Sqlite(PooledConnection<Sqlite>),
    /// A transaction on PostgreSQL, with the time limit for the server's answers.
    Postgres(PooledConnection<Postgres>, Duration),
}

impl Transaction {
    pub(super) async fn commit(self) -> Result<(), StorageFailure> {
        self.end("COMMIT").await
    }

    /// Undoes the changes of the transaction. Dropping it does so too, but also closes the connection.
    pub(super) async fn rollback(self) -> Result<(), StorageFailure> {
        self.end("ROLLBACK").await
    }

    async fn end(self, statement: &'static str) -> Result<(), StorageFailure> {
        match self {
            Self::Sqlite(mut pooled) => {
                sqlx::raw_sql(statement).execute(&mut *pooled.connection).await?;
                pooled.is_reusable = true;
                Ok(())
            }
            Self::Postgres(mut pooled, limit) => {
                within(limit, Box::pin(sqlx::raw_sql(statement).execute(&mut *pooled.connection))).await?;
                pooled.is_reusable = true;
                Ok(())
            }
        }
    }
}

/// Waits for a query up to a time limit. Beyond it, the server counts as unreachable.
pub(super) async fn within<T>(
    limit: Duration,
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let no_answer = |_| sqlx::Error::Io(io::Error::new(ErrorKind::TimedOut, "no answer within the time limit"));
    timeout(limit, query).await.map_err(no_answer).flatten()
}

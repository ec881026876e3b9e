//! One way to speak to both databases: the same SQL text, the same values, the same rows.

use std::{borrow::Cow, time::Duration};

use sqlx::{
    Arguments, Database, FromRow, PgPool, Postgres, Sqlite, SqlitePool,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::time::timeout;

use super::StorageFailure;

/// How long a connection may take to show that it is well when it is given back.
const RETURN: Duration = Duration::from_secs(5);

/// Connections to a database. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PostgresPool),
}

/// Connections to a server that may fall silent.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pub(super) connections: PgPool,
    /// How long an answer is waited for. The server itself gives a statement up sooner; this is for one that is away.
    pub(super) patience: Duration,
}

impl Pool {
    /// Begins a transaction. Dropped without a commit, nothing of it has happened.
    pub(super) async fn begin(&self) -> Result<Work, StorageFailure> {
        match self {
            Self::Sqlite(pool) => {
                // Borrowed before it begins: whoever leaves meanwhile must not give a transaction back.
                let mut borrowed = Borrowed::from(pool).await?;
                // At once for writing: one that begins by reading may find later that it cannot write any more.
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *borrowed.connection).await?;
                Ok(Work::Sqlite(borrowed))
            }
            Self::Postgres(PostgresPool { connections, patience }) => {
                let beginning = async {
                    let mut borrowed = Borrowed::from(connections).await?;
                    sqlx::raw_sql("BEGIN").execute(&mut *borrowed.connection).await?;
                    Ok(borrowed)
                };
                Ok(Work::Postgres(in_time(*patience, Box::pin(beginning)).await?, *patience))
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            // A server that is away isn't waited for; it will notice.
            Self::Postgres(pool) => drop(timeout(pool.patience, pool.connections.close()).await),
        }
    }
}

/// A connection at work. Given up while its work goes on, it is closed, and with it ends a transaction in whatever state
/// it is: SQLite's may have ended by a commit that failed for want of space, so that a rollback would fail in turn; and a
/// server may never answer again.
#[derive(Debug)]
pub(super) struct Borrowed<D: Database> {
    connection: PoolConnection<D>,
    is_at_rest: bool,
}

impl<D: Database> Borrowed<D> {
    async fn from(pool: &sqlx::Pool<D>) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: Box::pin(pool.acquire()).await?, is_at_rest: false })
    }

    /// Whether it can be used again is seen by what came of its last work: an answer, if only a refusal, is one.
    fn give_back<T>(mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_at_rest = matches!(outcome, Ok(_) | Err(sqlx::Error::Database(_)));
        outcome
    }
}

impl<D: Database> Drop for Borrowed<D> {
    #[expect(clippy::disallowed_methods, reason = "the pool would do the same, without a limit")]
    fn drop(&mut self) {
        if self.is_at_rest {
            // The pool tries a connection before it takes it back; one that doesn't answer would be waited for.
            tokio::spawn(timeout(RETURN, self.connection.return_to_pool()));
        } else {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction.
#[derive(Debug)]
pub(super) enum Work {
    Sqlite(Borrowed<Sqlite>),
    Postgres(Borrowed<Postgres>, Duration),
}

impl Work {
    pub(super) async fn commit(self) -> Result<(), StorageFailure> {
        self.end("COMMIT").await
    }

    /// Ends a transaction of which nothing shall have happened. Dropping it does so, too, but closes the connection.
    pub(super) async fn rollback(self) -> Result<(), StorageFailure> {
        self.end("ROLLBACK").await
    }

    async fn end(self, how: &'static str) -> Result<(), StorageFailure> {
        match self {
            Self::Sqlite(mut work) => {
                sqlx::raw_sql(how).execute(&mut *work.connection).await?;
                work.is_at_rest = true;
                Ok(())
            }
            Self::Postgres(mut work, patience) => {
                in_time(patience, Box::pin(sqlx::raw_sql(how).execute(&mut *work.connection))).await?;
                work.is_at_rest = true;
                Ok(())
            }
        }
    }
}

/// Where a statement runs: on any connection, or within a transaction.
pub(super) enum On<'a> {
    Pool(&'a Pool),
    Work(&'a mut Work),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Work> for On<'a> {
    fn from(work: &'a mut Work) -> Self {
        Self::Work(work)
    }
}

/// A row of either database.
pub(super) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// A value in a statement.
#[derive(Debug)]
pub(super) enum Value<'q> {
    Number(Option<i64>),
    Text(Option<Cow<'q, str>>),
}

macro_rules! values {
    ($($kind:ident($($from:ty),+) by |$it:ident| $to:expr;)+) => {
        $($(impl<'q> From<$from> for Value<'q> {
            fn from($it: $from) -> Self {
                Self::$kind(Some($to))
            }
        }

        impl<'q> From<Option<$from>> for Value<'q> {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map(|$it| $to))
            }
        })+)+
    };
}

values! {
    Number(i64) by |number| number;
    Text(&'q str) by |text| Cow::Borrowed(text);
    Text(&'q String) by |text| Cow::Borrowed(text.as_str());
    Text(String) by |text| Cow::Owned(text);
}

/// A statement with the values of its `$1`, `$2` and so on.
#[derive(Debug)]
pub(super) struct Statement<'q> {
    text: &'static str,
    values: Vec<Value<'q>>,
}

/// A statement of this text, which must mean the same to both databases.
pub(super) fn sql<'q>(text: &'static str) -> Statement<'q> {
    Statement { text, values: Vec::new() }
}

/// Runs a statement where it belongs.
macro_rules! run {
    ($make:path, $statement:ident, $on:expr, $how:ident) => {{
        let Statement { text, values } = $statement;
        match $on.into() {
            On::Pool(Pool::Sqlite(pool)) => run!(@ $make, text, sqlite(values), pool, $how).await?,
            On::Work(Work::Sqlite(work)) => run!(@ $make, text, sqlite(values), &mut *work.connection, $how).await?,
            On::Pool(Pool::Postgres(PostgresPool { connections, patience })) => {
                let running = async {
                    let mut borrowed = Borrowed::from(connections).await?;
                    let outcome = run!(@ $make, text, postgres(values), &mut *borrowed.connection, $how).await;
                    borrowed.give_back(outcome)
                };
                in_time(*patience, Box::pin(running)).await?
            }
            On::Work(Work::Postgres(work, patience)) => {
                in_time(*patience, run!(@ $make, text, postgres(values), &mut *work.connection, $how)).await?
            }
        }
    }};
    (@ $make:path, $text:ident, $values:expr, $executor:expr, changes) => {
        // Boxed here, where it is done once, to be no burden to all who wait for it.
        Box::pin(async { Ok::<_, sqlx::Error>($make($text, $values?).execute($executor).await?.rows_affected()) })
    };
    (@ $make:path, $text:ident, $values:expr, $executor:expr, $how:ident) => {
        Box::pin(async { $make($text, $values?).$how($executor).await })
    };
}

impl Statement<'_> {
    /// Returns how many rows were changed.
    pub(super) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, StorageFailure> {
        Ok(run!(sqlx::query_with, self, on, changes))
    }

    pub(super) async fn fetch_all<T: Row>(self, on: impl Into<On<'_>>) -> Result<Vec<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, on, fetch_all))
    }

    pub(super) async fn fetch_optional<T: Row>(self, on: impl Into<On<'_>>) -> Result<Option<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, on, fetch_optional))
    }

    pub(super) async fn fetch_one<T: Row>(self, on: impl Into<On<'_>>) -> Result<T, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, on, fetch_one))
    }
}

impl<'q> Statement<'q> {
    /// Adds the next value.
    pub(super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }
}

fn sqlite(values: Vec<Value<'_>>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Number(number) => Arguments::add(&mut arguments, number),
            Value::Text(text) => Arguments::add(&mut arguments, text.map(Cow::into_owned)),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres(values: Vec<Value<'_>>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Number(number) => arguments.add(number),
            // A text holds every character there but this one.
            Value::Text(Some(text)) if text.contains('\0') => arguments.add(text.replace('\0', "\u{fffd}")),
            Value::Text(text) => arguments.add(text.as_deref()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// What a server that has fallen silent is asked for isn't waited for any longer than this.
async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StorageFailure> {
    Ok(timeout(patience, work).await.map_err(|_| StorageFailure::Silent)??)
}

//! One way to speak to both databases: the same SQL text, the same values, the same rows.

use std::{borrow::Cow, time::Duration};

use sqlx::{
    Arguments, FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::time::timeout;

use super::StorageFailure;

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
                // Before it has begun: whoever leaves meanwhile must not give the connection back in the middle of it.
                let mut work = SqliteWork { connection: Box::pin(pool.acquire()).await?, is_over: false };
                // At once for writing: one that begins by reading may find later that it cannot write any more.
                sqlx::query("BEGIN IMMEDIATE").execute(&mut *work.connection).await?;
                Ok(Work::Sqlite(work))
            }
            Self::Postgres(PostgresPool { connections, patience }) => {
                Ok(Work::Postgres(in_time(*patience, Box::pin(connections.begin())).await?, *patience))
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.connections.close().await,
        }
    }
}

/// A transaction.
#[derive(Debug)]
pub(super) enum Work {
    Sqlite(SqliteWork),
    Postgres(Transaction<'static, Postgres>, Duration),
}

impl Work {
    pub(super) async fn commit(self) -> Result<(), StorageFailure> {
        match self {
            Self::Sqlite(mut work) => {
                sqlx::query("COMMIT").execute(&mut *work.connection).await?;
                work.is_over = true;
                Ok(())
            }
            Self::Postgres(transaction, patience) => in_time(patience, Box::pin(transaction.commit())).await,
        }
    }
}

/// A transaction's connection.
#[derive(Debug)]
pub(super) struct SqliteWork {
    connection: PoolConnection<Sqlite>,
    is_over: bool,
}

impl Drop for SqliteWork {
    fn drop(&mut self) {
        // With its connection ends a transaction in whatever state it is: after a commit that failed for want of
        // space, SQLite has ended it, and a rollback would fail in turn.
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}

/// Where a statement runs: on any connection, or within a transaction.
pub(super) enum Place<'a> {
    Pool(&'a Pool),
    Work(&'a mut Work),
}

impl<'a> From<&'a Pool> for Place<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Work> for Place<'a> {
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
    ($make:path, $statement:ident, $place:expr, $($how:tt)+) => {{
        let Statement { text, values } = $statement;
        match $place.into() {
            Place::Pool(Pool::Sqlite(pool)) => run!(@ $make, text, sqlite(values), pool, $($how)+).await?,
            Place::Work(Work::Sqlite(work)) => {
                run!(@ $make, text, sqlite(values), &mut *work.connection, $($how)+).await?
            }
            Place::Pool(Pool::Postgres(pool)) => {
                in_time(pool.patience, run!(@ $make, text, postgres(values), &pool.connections, $($how)+)).await?
            }
            Place::Work(Work::Postgres(transaction, patience)) => {
                in_time(*patience, run!(@ $make, text, postgres(values), &mut **transaction, $($how)+)).await?
            }
        }
    }};
    (@ $make:path, $text:ident, $values:expr, $on:expr, changes) => {
        // Boxed here, where it is done once, to be no burden to all who wait for it.
        Box::pin(async { Ok::<_, sqlx::Error>($make($text, $values?).execute($on).await?.rows_affected()) })
    };
    (@ $make:path, $text:ident, $values:expr, $on:expr, $how:ident) => {
        Box::pin(async { $make($text, $values?).$how($on).await })
    };
}

impl Statement<'_> {
    /// Returns how many rows were changed.
    pub(super) async fn execute(self, place: impl Into<Place<'_>>) -> Result<u64, StorageFailure> {
        Ok(run!(sqlx::query_with, self, place, changes))
    }

    pub(super) async fn fetch_all<T: Row>(self, place: impl Into<Place<'_>>) -> Result<Vec<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, place, fetch_all))
    }

    pub(super) async fn fetch_optional<T: Row>(self, place: impl Into<Place<'_>>) -> Result<Option<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, place, fetch_optional))
    }

    pub(super) async fn fetch_one<T: Row>(self, place: impl Into<Place<'_>>) -> Result<T, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, place, fetch_one))
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

//! SQL statements that run on either database: one text, the same values, the same rows.

use std::borrow::Cow;

use sqlx::{
    Arguments, FromRow,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    database::{Pool, PooledConnection, PostgresPool, Transaction, within},
    failure::StorageFailure,
};

/// The target of a statement: any connection of a pool, or a transaction.
pub(super) enum Executor<'a> {
    Pool(&'a Pool),
    Transaction(&'a mut Transaction),
}

impl<'a> From<&'a Pool> for Executor<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Transaction> for Executor<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// A type that can be decoded from a row of either database.
pub(super) trait DecodableRow:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> DecodableRow for T {}

/// A value bound to a parameter of a statement; `None` is SQL's NULL.
#[derive(Debug)]
pub(super) enum Value<'q> {
    Integer(Option<i64>),
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
    Integer(i64) by |integer| integer;
    Text(&'q str) by |text| Cow::Borrowed(text);
    Text(&'q String) by |text| Cow::Borrowed(text.as_str());
    Text(String) by |text| Cow::Owned(text);
}

/// A statement with the values of its parameters `$1`, `$2` and so on.
#[derive(Debug)]
pub(super) struct Statement<'q> {
    text: &'static str,
    values: Vec<Value<'q>>,
}

/// Makes a statement from a text that has the same meaning in both databases.
pub(super) fn sql<'q>(text: &'static str) -> Statement<'q> {
    Statement { text, values: Vec::new() }
}

/// Runs a statement on an executor, with one of sqlx's methods or `rows_affected`.
macro_rules! run {
    ($make:path, $statement:ident, $executor:expr, $method:ident) => {{
        let Statement { text, values } = $statement;
        match $executor.into() {
            Executor::Pool(Pool::Sqlite(pool)) => {
                pool.ensure_in_place()?;
                run!(@ $make, text, sqlite(values), &pool.connections, $method).await?
            }
            Executor::Transaction(Transaction::Sqlite(pooled)) => {
                run!(@ $make, text, sqlite(values), &mut *pooled.connection, $method).await?
            }
            Executor::Pool(Pool::Postgres(PostgresPool { connections, response_timeout })) => {
                let running = async {
                    let mut pooled = PooledConnection::acquire(connections).await?;
                    let outcome = run!(@ $make, text, postgres(values), &mut *pooled.connection, $method).await;
                    pooled.finish(outcome)
                };
                within(*response_timeout, Box::pin(running)).await?
            }
            Executor::Transaction(Transaction::Postgres(pooled, limit)) => {
                within(*limit, run!(@ $make, text, postgres(values), &mut *pooled.connection, $method)).await?
            }
        }
    }};
    (@ $make:path, $text:ident, $values:expr, $executor:expr, rows_affected) => {
        // Boxed here, once, so that the futures of all callers stay small.
        Box::pin(async { Ok::<_, sqlx::Error>($make($text, $values?).execute($executor).await?.rows_affected()) })
    };
    (@ $make:path, $text:ident, $values:expr, $executor:expr, $method:ident) => {
        Box::pin(async { $make($text, $values?).$method($executor).await })
    };
}

impl Statement<'_> {
    /// Runs the statement and returns the number of rows that it changed.
    pub(super) async fn execute(self, executor: impl Into<Executor<'_>>) -> Result<u64, StorageFailure> {
        Ok(run!(sqlx::query_with, self, executor, rows_affected))
    }

    /// Runs the statement and returns all rows.
    pub(super) async fn fetch_all<T: DecodableRow>(
        self,
        executor: impl Into<Executor<'_>>,
    ) -> Result<Vec<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, executor, fetch_all))
    }

    /// Runs the statement and returns its first row, if there is one.
    pub(super) async fn fetch_optional<T: DecodableRow>(
        self,
        executor: impl Into<Executor<'_>>,
    ) -> Result<Option<T>, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, executor, fetch_optional))
    }

    /// Runs the statement and returns its first row. Fails if there is none.
    pub(super) async fn fetch_one<T: DecodableRow>(
        self,
        executor: impl Into<Executor<'_>>,
    ) -> Result<T, StorageFailure> {
        Ok(run!(sqlx::query_as_with, self, executor, fetch_one))
    }
}

impl<'q> Statement<'q> {
    /// Binds the value of the next parameter.
    pub(super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }
}

fn sqlite(values: Vec<Value<'_>>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Integer(integer) => Arguments::add(&mut arguments, integer),
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
            Value::Integer(integer) => arguments.add(integer),
            // NUL is the one character that PostgreSQL's TEXT cannot hold.
            Value::Text(Some(text)) if text.contains('\0') => arguments.add(text.replace('\0', "\u{fffd}")),
            Value::Text(text) => arguments.add(text.as_deref()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

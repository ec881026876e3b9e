//! Statements that delete several rows at once.

use super::{
    column_values::to_integer,
    database::{Pool, Transaction},
    failure::StorageFailure,
    statement::{Statement, Value, sql},
};

/// The number of rows in a statement for many rows. A statement is a round trip to the database, which costs more than a
/// row.
const ROWS: usize = 64;

/// The number of rows in a statement for a few rows.
const FEW_ROWS: usize = 4;

/// The number of rows that one statement of [`in_batches`] deletes.
const BATCH: u64 = 1000;

/// Deletes rows in batches, so that other statements can run in between. `statement` returns a statement that deletes at most
/// this number of rows. Returns how many were deleted.
pub(super) async fn in_batches<'q>(
    write: &Pool,
    statement: impl Fn(i64) -> Statement<'q>,
) -> Result<u64, StorageFailure> {
    let mut deleted = 0;
    loop {
        let rows = statement(to_integer(BATCH)).execute(write).await?;
        deleted += rows;
        if rows < BATCH {
            return Ok(deleted);
        }
    }
}

/// A `DELETE` of at most [`FEW_ROWS`] rows by their ids, and the same for [`ROWS`] rows. With only two texts, both stay
/// prepared. Ids that are not needed are bound to NULL, which equals no id.
pub(super) struct BulkDelete {
    few: String,
    many: String,
}

impl BulkDelete {
    /// Builds both texts. `column` holds the ids of the rows.
    pub(super) fn new(table: &str, column: &str) -> Self {
        let text = |rows| {
            let parameters = (1..=rows).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
            format!("DELETE FROM {table} WHERE {column} IN ({parameters})")
        };
        Self { few: text(FEW_ROWS), many: text(ROWS) }
    }

    /// Deletes rows, and returns how many existed.
    pub(super) async fn execute<'q, T: Copy>(
        &'static self,
        ids: &[T],
        transaction: &mut Transaction,
    ) -> Result<u64, StorageFailure>
    where
        Option<T>: Into<Value<'q>>,
    {
        let mut deleted = 0;
        for chunk in ids.chunks(ROWS) {
            let (text, rows) = if chunk.len() <= FEW_ROWS { (&self.few, FEW_ROWS) } else { (&self.many, ROWS) };
            let ids = (0..rows).map(|row| chunk.get(row).copied());
            let statement = ids.fold(sql(text), Statement::bind);
            deleted += statement.execute(&mut *transaction).await?;
        }
        Ok(deleted)
    }
}

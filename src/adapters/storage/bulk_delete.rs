//! Statements that delete several rows at once.

use super::{
    database::Transaction,
    failure::StorageFailure,
    statement::{Statement, Value, sql},
};

/// The number of rows in a statement. A statement is a round trip to the database, which costs more than a row.
const ROWS: usize = 64;

/// A `DELETE` of at most [`ROWS`] rows by their ids. With only one text, it stays prepared. Ids that are not needed are
/// bound to NULL, which equals no id.
pub(super) struct BulkDelete(String);

impl BulkDelete {
    /// Builds the text. `column` holds the ids of the rows.
    pub(super) fn new(table: &str, column: &str) -> Self {
        let parameters = (1..=ROWS).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        Self(format!("DELETE FROM {table} WHERE {column} IN ({parameters})"))
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
            let ids = (0..ROWS).map(|row| chunk.get(row).copied());
            let statement = ids.fold(sql(&self.0), Statement::bind);
            deleted += statement.execute(&mut *transaction).await?;
        }
        Ok(deleted)
    }
}

//! Statements that delete several rows at once.

use super::{
    database::Transaction,
    failure::StorageFailure,
    statement::{Statement, sql},
};

/// The number of rows in a statement. A statement is a round trip to the database, which costs more than a row.
const ROWS: usize = 64;

/// A `DELETE` of at most [`ROWS`] rows by their numbers. With only one text, it stays prepared. Numbers that are not
/// needed are bound to NULL, which equals no number.
pub(super) struct BulkDelete(String);

impl BulkDelete {
    /// Builds the text. `column` holds the numbers of the rows.
    pub(super) fn new(table: &str, column: &str) -> Self {
        let parameters = (1..=ROWS).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        Self(format!("DELETE FROM {table} WHERE {column} IN ({parameters})"))
    }

    /// Deletes rows, and returns how many existed.
    pub(super) async fn execute(
        &'static self,
        ids: &[i64],
        transaction: &mut Transaction,
    ) -> Result<u64, StorageFailure> {
        let mut deleted = 0;
        for chunk in ids.chunks(ROWS) {
            let ids = (0..ROWS).map(|row| chunk.get(row).copied());
            let statement = ids.fold(sql(&self.0), Statement::bind);
            deleted += statement.execute(&mut *transaction).await?;
        }
        Ok(deleted)
    }
}

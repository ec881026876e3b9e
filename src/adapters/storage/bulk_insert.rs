//! Statements that insert several rows at once.

use super::{
    database::Transaction,
    failure::StorageFailure,
    statement::{DecodableRow, Statement, sql},
};

/// The number of rows in a statement for several rows. A statement is a round trip to the database (for SQLite, to its
/// thread), which costs more than a row. With many more rows, the driver's search for the number of each parameter would
/// take longer than that.
const ROWS: usize = 16;

/// An `INSERT` for one row, and the same for [`ROWS`] rows. With only two texts, both stay prepared. Rows that are not
/// needed are bound to NULL, and the statement leaves them out.
pub(super) struct BulkInsert {
    one: String,
    many: String,
}

impl BulkInsert {
    /// Builds both texts. `insert` takes its rows from a table `v` of these columns, whose types are `casts`. (PostgreSQL
    /// would take parameters in a list of values for texts.)
    pub(super) fn new(columns: &str, casts: &[&str], insert: &str) -> Self {
        let row = |row: usize| {
            let value = |(column, cast): (usize, &&str)| format!("CAST(${} AS {cast})", row * casts.len() + column + 1);
            let values = casts.iter().enumerate().map(value).collect::<Vec<_>>();
            format!("({})", values.join(", "))
        };
        let text = |rows| {
            let values = (0..rows).map(row).collect::<Vec<_>>().join(", ");
            format!("WITH v ({columns}) AS (VALUES {values}) {insert}")
        };
        Self { one: text(1), many: text(ROWS) }
    }

    /// Inserts rows. `bind` binds the values of one row, or as many NULLs.
    pub(super) async fn execute<'q, T>(
        &'static self,
        transaction: &mut Transaction,
        mut rows: impl ExactSizeIterator<Item = T>,
        bind: impl Fn(Statement<'q>, Option<T>) -> Statement<'q>,
    ) -> Result<(), StorageFailure> {
        while let Some(statement) = self.next_statement(&mut rows, &bind) {
            statement.execute(&mut *transaction).await?;
        }
        Ok(())
    }

    /// Inserts rows as [`Self::execute`] does, and returns the rows of the `RETURNING` clause.
    pub(super) async fn fetch_all<'q, T, R: DecodableRow>(
        &'static self,
        transaction: &mut Transaction,
        mut rows: impl ExactSizeIterator<Item = T>,
        bind: impl Fn(Statement<'q>, Option<T>) -> Statement<'q>,
    ) -> Result<Vec<R>, StorageFailure> {
        let mut returned = Vec::new();
        while let Some(statement) = self.next_statement(&mut rows, &bind) {
            returned.extend(statement.fetch_all(&mut *transaction).await?);
        }
        Ok(returned)
    }

    /// Returns the statement for the next rows; `None` without any.
    fn next_statement<'q, T>(
        &'static self,
        rows: &mut impl ExactSizeIterator<Item = T>,
        bind: &impl Fn(Statement<'q>, Option<T>) -> Statement<'q>,
    ) -> Option<Statement<'q>> {
        let (text, bound) = match rows.len() {
            0 => return None,
            1 => (&self.one, 1),
            _ => (&self.many, ROWS),
        };
        Some((0..bound).fold(sql(text), |statement, _| bind(statement, rows.next())))
    }
}

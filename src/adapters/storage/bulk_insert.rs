//! Statements that insert several rows at once.

/// The number of rows in a statement for several rows. A statement is a round trip to the database (for SQLite, to its
/// thread), which costs more than a row.
const ROWS: usize = 16;

/// The number of rows in a statement for very many rows, as in a recovery.
const MANY_ROWS: usize = 256;

/// An `INSERT` for one row, and the same for [`ROWS`] and for [`MANY_ROWS`] rows. With only three texts, all stay prepared.
/// Rows that are not needed are bound to NULL, and the statement leaves them out.
pub(super) struct BulkInsert {
    one: String,
    several: String,
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
        Self { one: text(1), several: text(ROWS), many: text(MANY_ROWS) }
    }

    /// Returns the statements that insert all rows: each with its text, the number of rows whose values must be bound, and
    /// its rows, of which there may be fewer.
    pub(super) fn statements<'a, T>(
        &'static self,
        mut rows: &'a [T],
    ) -> impl Iterator<Item = (&'static str, usize, &'a [T])> + use<'a, T> {
        std::iter::from_fn(move || {
            let (text, size) = match rows.len() {
                0 => return None,
                1 => (&self.one, 1),
                2..MANY_ROWS => (&self.several, ROWS),
                _ => (&self.many, MANY_ROWS),
            };
            let (chunk, rest) = rows.split_at(size.min(rows.len()));
            rows = rest;
            Some((text.as_str(), size, chunk))
        })
    }
}

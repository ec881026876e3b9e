//! The number of usage records that were dropped instead of sent to Papita.

use super::{
    column_values::{to_count, to_integer},
    database::{Pool, Transaction},
    failure::StorageFailure,
    statement::sql,
};

/// Returns the number of dropped records since the database was made.
pub(super) async fn fetch(read: &Pool) -> Result<u64, StorageFailure> {
    let (records,): (i64,) = sql("SELECT records FROM papita_drops WHERE id = 1").fetch_one(read).await?;
    Ok(to_count(records))
}

/// Adds to the number of dropped records.
pub(super) async fn add(transaction: &mut Transaction, records: u64) -> Result<(), StorageFailure> {
    if records > 0 {
        sql("UPDATE papita_drops SET records = records + $1 WHERE id = 1")
            .bind(to_integer(records))
            .execute(transaction)
            .await?;
    }
    Ok(())
}

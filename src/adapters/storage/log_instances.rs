//! The table `log_instances`: for each process that has written a session log, the number of the line up to which the
//! database holds all turns and stops.

use uuid::Uuid;

use super::{
    column_values::{to_count, to_integer},
    failure::StorageFailure,
    statement::{Executor, sql},
};
use crate::domain::{
    log_chain::Chain,
    log_position::{CountedLines, InstanceCount},
};

/// The columns of a process in a session log.
type InstanceRow = (String, i64, Option<String>, i64, i64);

/// Returns the count in a row; `None` if its id was not written by al-chat.
fn count((instance, counted, chain, missing, complete): InstanceRow) -> Option<InstanceCount> {
    Some(InstanceCount {
        instance: instance.parse().ok()?,
        counted: to_count(counted),
        chain: chain.and_then(|chain| Chain::parse(chain.as_bytes())),
        missing: to_count(missing),
        is_complete: complete != 0,
    })
}

/// Returns what the database holds of a session log.
pub(super) async fn fetch(on: impl Into<Executor<'_>>, log: &str) -> Result<CountedLines, StorageFailure> {
    let rows: Vec<InstanceRow> =
        sql("SELECT instance, counted, chain, missing, complete FROM log_instances WHERE log = $1")
            .bind(log)
            .fetch_all(on)
            .await?;
    Ok(rows.into_iter().filter_map(count).collect())
}

/// Waits for the transactions that change what is counted of a session log, and prevents others. An attempt whose answer was
/// lost may still be running in the database's server.
pub(super) async fn lock(on: impl Into<Executor<'_>>, log: &str) -> Result<(), StorageFailure> {
    sql("UPDATE log_instances SET counted = counted WHERE log = $1").bind(log).execute(on).await?;
    Ok(())
}

/// Sets what is counted of a process, and adds to its missing lines.
pub(super) async fn set(on: impl Into<Executor<'_>>, log: &str, count: InstanceCount) -> Result<(), StorageFailure> {
    sql("INSERT INTO log_instances (log, instance, counted, chain, missing, complete)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (log, instance) DO UPDATE SET
             counted = excluded.counted, chain = excluded.chain,
             missing = log_instances.missing + excluded.missing, complete = excluded.complete")
    .bind(log)
    .bind(count.instance.to_string())
    .bind(to_integer(count.counted))
    .bind(count.chain.map(|chain| chain.to_string()))
    .bind(to_integer(count.missing))
    .bind(i64::from(count.is_complete))
    .execute(on)
    .await?;
    Ok(())
}

/// Removes what is counted of a process.
pub(super) async fn remove(on: impl Into<Executor<'_>>, log: &str, instance: Uuid) -> Result<(), StorageFailure> {
    sql("DELETE FROM log_instances WHERE log = $1 AND instance = $2")
        .bind(log)
        .bind(instance.to_string())
        .execute(on)
        .await?;
    Ok(())
}

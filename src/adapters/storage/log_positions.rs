//! The positions in the session log up to which the database holds all turns. (The table's name is `log_places`, its
//! column for the position in a day's file `size`.)

use super::{
    column_values::{to_count, to_integer},
    failure::StorageFailure,
    statement::{Executor, sql},
};
use crate::domain::log_position::LogPosition;

/// Returns the position in each of the latest seven days of a session log.
pub(super) async fn fetch(on: impl Into<Executor<'_>>, log: &str) -> Result<Vec<LogPosition>, StorageFailure> {
    let positions = sql("SELECT day, size FROM log_places WHERE log = $1 ORDER BY day DESC LIMIT 7").bind(log);
    let rows = positions.fetch_all(on).await?;
    let position = |(day, size): (String, i64)| Some(LogPosition { date: day.parse().ok()?, end: to_count(size) });
    Ok(rows.into_iter().filter_map(position).collect())
}

/// Sets the position in one day of a session log.
pub(super) async fn set(on: impl Into<Executor<'_>>, log: &str, position: LogPosition) -> Result<(), StorageFailure> {
    sql("INSERT INTO log_places (log, day, size) VALUES ($1, $2, $3)
         ON CONFLICT (log, day) DO UPDATE SET size = excluded.size")
    .bind(log)
    .bind(position.date.to_string())
    .bind(to_integer(position.end))
    .execute(on)
    .await?;
    Ok(())
}

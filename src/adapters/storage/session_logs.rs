//! The session logs that the database counts: of this process from its first line to its last, and of processes before it.

use std::time::Duration;

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

use super::{
    column_values::{to_count, to_integer},
    failure::StorageFailure,
    handle::Storage,
    log_instances, log_totals,
    logged_event::LoggedEvent,
    statement::sql,
};
use crate::domain::{
    log_chain::Chain,
    log_position::{CountedLines, InstanceCount, LogEnd, LogPosition},
};

/// The time after which a process that did not stop in order is forgotten, if its log does not appear again.
const UNFINISHED_RETENTION: Duration = Duration::from_hours(30 * 24);

/// A process that did not stop in order, and has written another session log than this one's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedLog {
    /// The id of its session log, the first line of the file `.lock` in the log's folder.
    pub log: String,
    /// The id of the process.
    pub instance: String,
    /// The number of the last line up to which all turns are counted.
    pub counted: u64,
}

/// The end of a process's lines that was found in a log's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundEnd {
    /// The position of the last line.
    pub position: LogPosition,
    /// The chain of the last line, if it has one.
    pub chain: Option<Chain>,
}

impl Storage {
    /// Returns what the database holds of this process's session log.
    pub async fn counted_lines(&self) -> Result<CountedLines, StorageFailure> {
        log_instances::fetch(&self.write, &self.turns.log).await
    }

    /// Stores that the session log of this process begins with the line of its start, before any turn is taken. `previous` is
    /// the end of the process before, as the start has found it in the log's folder.
    pub async fn register_log(&self, start: LogEnd, previous: Option<FoundEnd>) -> Result<(), StorageFailure> {
        self.turn_writer.enqueue(LoggedEvent::Start, Some(start));
        self.turn_writer.flush().await?;
        log_totals::begin(&self.write, &self.turns.log, start.position.instance).await?;
        if let Some(previous) = previous {
            self.forget_process(&previous).await?;
        }
        Ok(())
    }

    /// Removes what is counted of a process that has ended, if the log still has all that. If its end was removed since, or
    /// cannot be found, what is counted is kept, and `al-chat log verify` compares it with the log.
    async fn forget_process(&self, found: &FoundEnd) -> Result<(), StorageFailure> {
        let LogPosition { instance, seq } = found.position;
        let counts = log_instances::fetch(&self.write, &self.turns.log).await?;
        let Some(count) = counts.of(instance).filter(|count| count.is_complete && count.missing == 0) else {
            return Ok(());
        };
        let is_other = count.chain.zip(found.chain).is_some_and(|(counted, found)| counted != found);
        if seq < count.counted || (seq == count.counted && is_other) {
            tracing::error!(
                %instance, seq, counted = count.counted,
                "the last lines of the process before were removed from the session log, or altered, after it had stopped; \
                 `al-chat log verify` names them"
            );
            return Ok(());
        }
        log_instances::remove(&self.write, &self.turns.log, instance).await
    }

    /// Adds to the number of lines that were missing or unreadable when they were to be counted. To be called after
    /// [`Self::register_log`].
    pub async fn add_missing_lines(&self, lines: u64) -> Result<(), StorageFailure> {
        sql("UPDATE log_instances SET missing = missing + $3 WHERE log = $1 AND instance = $2")
            .bind(&self.turns.log)
            .bind(self.turns.instance.to_string())
            .bind(to_integer(lines))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Stores that this is the end of the session log of this process. Without effect if turns before it
    /// could not be stored: the next start adds them.
    pub async fn close_log(&self, end: LogEnd) -> Result<(), StorageFailure> {
        if !self.turn_writer.has_stored_all() {
            return Ok(());
        }
        let LogEnd { position: LogPosition { instance, seq }, chain } = end;
        let count = InstanceCount { instance, counted: seq, chain: Some(chain), missing: 0, is_complete: true };
        log_instances::set(&self.write, &self.turns.log, count).await
    }

    /// Stores that nothing remains to be counted of the processes that have written this process's session log before.
    /// Of those in `missing_ends` the last lines are missing, which count as one line.
    pub async fn complete_instances(&self, missing_ends: &[Uuid]) -> Result<(), StorageFailure> {
        let mut transaction = self.write.begin().await?;
        for instance in missing_ends {
            sql("UPDATE log_instances SET missing = missing + 1 WHERE log = $1 AND instance = $2")
                .bind(&self.turns.log)
                .bind(instance.to_string())
                .execute(&mut transaction)
                .await?;
        }
        sql("UPDATE log_instances SET complete = 1 WHERE log = $1 AND complete = 0")
            .bind(&self.turns.log)
            .execute(&mut transaction)
            .await?;
        transaction.commit().await
    }

    /// Returns the processes that have written other session logs, did not stop in order, and are not alive.
    pub async fn unfinished_logs(&self) -> Result<Vec<UnfinishedLog>, StorageFailure> {
        let rows: Vec<(String, String, i64)> = sql("SELECT log, instance, counted FROM log_instances
             WHERE log <> $1 AND complete = 0 AND instance > $2 AND NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = log_instances.log || '.' || log_instances.instance)
             ORDER BY log, instance")
        .bind(&self.turns.log)
        .bind(oldest_unfinished(self.time.confirmed_time()).to_string())
        .fetch_all(&self.write)
        .await?;
        let unfinished = |(log, instance, counted)| UnfinishedLog { log, instance, counted: to_count(counted) };
        Ok(rows.into_iter().map(unfinished).collect())
    }

    /// Returns the number of lines of all session logs that were missing when they were to be counted.
    pub async fn missing_lines(&self) -> Result<u64, StorageFailure> {
        let (missing,): (i64,) =
            sql("SELECT CAST(COALESCE(SUM(missing), 0) AS BIGINT) FROM log_instances").fetch_one(&self.write).await?;
        Ok(to_count(missing))
    }
}

/// Returns the id that a process would have that started [`UNFINISHED_RETENTION`] ago.
pub(super) fn oldest_unfinished(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default().saturating_sub(UNFINISHED_RETENTION.as_secs());
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0))
}

//! Sessions from start to stop. A stop is stored, then written to the session log, then marked as logged together with the
//! turns before it in the log. A stop that was stored but not logged (the process ended, the disk was full) is returned by [`Storage::unlogged_sessions`].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    column_values::{to_count, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    statement::sql,
};
use crate::domain::{
    cost::TokenUsage,
    session::{ClosedBy, SessionId},
};

/// The retention time for which an ended session is stored, so that a second stop gets the same answer as the first.
const ENDED_SESSION_TTL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct StoppedSession {
    /// The id of the session.
    pub id: SessionId,
    /// The start in [`Storage::session_time`]; `None` for an id that was never started here.
    pub started_at: Option<Timestamp>,
    /// The time from the start to the end; `None` for an id that was never started here. It is zero if the clock was set back
    /// to before the start while the service did not run.
    pub duration: Option<SignedDuration>,
    /// The time of the end.
    pub stopped_at: Timestamp,
    /// The reason for the end: `client` or `idle_timeout`.
    pub closed_by: String,
    /// The metrics that the client sent with its stop, as JSON.
    pub metrics: Option<String>,
    /// Whether the stop is in the session log.
    pub logged: bool,
}

/// The numbers that the server has counted over the turns of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStatistics {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The tokens of all turns.
    pub usage: TokenUsage,
    /// The cost of all turns in pico-dollars.
    pub cost: u64,
    /// The names of the models that were called, in alphabetical order.
    pub models: Vec<String>,
    /// The latency of each turn in microseconds, the shortest first.
    pub latencies: Vec<u64>,
}

type SessionRow = (String, Option<i64>, Option<i64>, i64, String, Option<String>, i64);

fn stopped_session(row: SessionRow) -> Option<StoppedSession> {
    let (id, started_at, duration_us, stopped_at, closed_by, metrics, logged) = row;
    Some(StoppedSession {
        id: SessionId::parse(&id).ok()?,
        started_at: started_at.map(to_timestamp),
        duration: duration_us.map(SignedDuration::from_micros),
        stopped_at: to_timestamp(stopped_at),
        closed_by,
        metrics,
        logged: logged != 0,
    })
}

impl Storage {
    /// Stores a session that starts now.
    pub async fn start_session(&self, id: &SessionId) -> Result<(), StorageFailure> {
        sql("INSERT INTO sessions (id, started_at) VALUES ($1, $2)")
            .bind(id.as_str())
            .bind(self.time.session_time())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Deletes a session whose start could not be logged.
    pub async fn delete_session(&self, id: &SessionId) -> Result<(), StorageFailure> {
        sql("DELETE FROM sessions WHERE id = $1").bind(id.as_str()).execute(&self.write).await?;
        Ok(())
    }

    /// Stores the end of a session, whether it was started here or not, unless it has ended before. `now` is the wall clock's
    /// time.
    pub async fn stop_session(
        &self,
        id: &SessionId,
        now: Timestamp,
        metrics: Option<&str>,
    ) -> Result<(), StorageFailure> {
        // The session's last turns may not be written yet, and they are counted only while it is open.
        self.turn_writer.flush().await?;
        sql("INSERT INTO sessions (id, stopped_at, closed_by, metrics, expires_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET
                 stopped_at = excluded.stopped_at, closed_by = excluded.closed_by, metrics = excluded.metrics,
                 expires_at = excluded.expires_at,
                 duration_us = CASE WHEN sessions.started_at < $6 THEN $6 - sessions.started_at
                                    WHEN sessions.started_at IS NOT NULL THEN 0 END
             WHERE sessions.stopped_at IS NULL")
        .bind(id.as_str())
        .bind(now.as_microsecond())
        .bind(ClosedBy::Client.as_str())
        .bind(metrics)
        .bind(self.ended_session_expiry())
        .bind(self.time.session_time())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    fn ended_session_expiry(&self) -> i64 {
        let expiry = self.retention_time().checked_add(ENDED_SESSION_TTL);
        expiry.unwrap_or(Timestamp::MAX).as_microsecond()
    }

    /// Returns a session if it has ended.
    pub async fn stopped_session(&self, id: &SessionId) -> Result<Option<StoppedSession>, StorageFailure> {
        let row: Option<SessionRow> = sql("SELECT id, started_at, duration_us, stopped_at, closed_by, metrics, logged
             FROM sessions WHERE id = $1 AND stopped_at IS NOT NULL")
        .bind(id.as_str())
        .fetch_optional(&self.write)
        .await?;
        Ok(row.and_then(stopped_session))
    }

    /// Ends the sessions without a turn or start for `idle_timeout`, each at the time of its last turn or of its start. `now`
    /// is the wall clock's time.
    pub async fn close_idle_sessions(&self, idle_timeout: Duration, now: Timestamp) -> Result<(), StorageFailure> {
        self.turn_writer.flush().await?;
        let session_time = self.session_time();
        let idle_since = session_time.checked_sub(idle_timeout).unwrap_or(Timestamp::MIN);
        sql("UPDATE sessions SET
                 closed_by = $2, expires_at = $3,
                 stopped_at = $4 + COALESCE(
                     (SELECT MAX(ended_at) FROM session_turns WHERE session_id = sessions.id), started_at),
                 duration_us = COALESCE(
                     (SELECT MAX(ended_at) - sessions.started_at FROM session_turns
                      WHERE session_id = sessions.id AND ended_at > sessions.started_at), 0)
             WHERE stopped_at IS NULL AND started_at <= $1 AND NOT EXISTS (
                 SELECT 1 FROM session_turns WHERE session_id = sessions.id AND ended_at > $1)")
        .bind(idle_since.as_microsecond())
        .bind(ClosedBy::IdleTimeout.as_str())
        .bind(self.ended_session_expiry())
        .bind(now.as_microsecond() - session_time.as_microsecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Returns sessions that have ended but whose stop is not in the log, at most 500.
    pub async fn unlogged_sessions(&self) -> Result<Vec<StoppedSession>, StorageFailure> {
        let rows: Vec<SessionRow> = sql("SELECT id, started_at, duration_us, stopped_at, closed_by, metrics, logged
             FROM sessions WHERE stopped_at IS NOT NULL AND logged = 0 ORDER BY expires_at LIMIT 500")
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().filter_map(stopped_session).collect())
    }

    /// Claims the logging of a stop for this replica, unless a live replica has claimed it. Returns whether this replica
    /// has it.
    pub async fn claim_stop(&self, id: &SessionId) -> Result<bool, StorageFailure> {
        // `replica IS NULL OR` prevents an anti-join: after a concurrent claim, PostgreSQL checks the condition again with the
        // new row, but takes the result of an anti-join from the old one.
        let claimed =
            sql("UPDATE sessions SET replica = $2 WHERE id = $1 AND logged = 0 AND (replica IS NULL OR NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = sessions.replica AND id <> $2))")
            .bind(id.as_str())
            .bind(self.replica.id())
            .execute(&self.write)
            .await?;
        Ok(claimed > 0)
    }

    /// Releases the claim on the logging of a stop.
    pub async fn release_stop(&self, id: &SessionId) -> Result<(), StorageFailure> {
        sql("UPDATE sessions SET replica = NULL WHERE id = $1 AND logged = 0 AND replica = $2")
            .bind(id.as_str())
            .bind(self.replica.id())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Stores the metrics that a client sends with a stop after the session was closed by the idle timeout. Returns false
    /// if metrics were stored before.
    pub async fn add_late_metrics(&self, id: &SessionId, metrics: &str) -> Result<bool, StorageFailure> {
        // The mark that the stop is logged may not be written yet.
        self.turn_writer.flush().await?;
        let added =
            sql("UPDATE sessions SET metrics = $2 WHERE id = $1 AND metrics IS NULL AND closed_by = $3 AND logged = 1")
                .bind(id.as_str())
                .bind(metrics)
                .bind(ClosedBy::IdleTimeout.as_str())
                .execute(&self.write)
                .await?;
        Ok(added > 0)
    }

    /// Deletes sessions that ended a week ago and are in the log.
    pub async fn purge_sessions(&self) -> Result<(), StorageFailure> {
        sql("DELETE FROM sessions WHERE expires_at < $1 AND logged = 1")
            .bind(self.time.retention_time())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Returns the numbers counted over the turns of a session.
    pub async fn session_statistics(&self, id: &SessionId) -> Result<SessionStatistics, StorageFailure> {
        let rows: Vec<(String, i64, i64, i64, i64, i64)> =
            sql("SELECT model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us
             FROM session_turns WHERE session_id = $1 ORDER BY latency_us")
            .bind(id.as_str())
            .fetch_all(&self.read)
            .await?;
        let mut statistics = SessionStatistics::default();
        for (model, failed, prompt, completion, cost, latency) in rows {
            statistics.turns += 1;
            statistics.errors += u64::from(failed != 0);
            statistics.usage += TokenUsage { prompt: to_count(prompt), completion: to_count(completion) };
            statistics.cost = statistics.cost.saturating_add(to_count(cost));
            statistics.latencies.push(to_count(latency));
            if let Err(position) = statistics.models.binary_search(&model) {
                statistics.models.insert(position, model);
            }
        }
        Ok(statistics)
    }
}

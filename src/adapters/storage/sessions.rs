//! Sessions from start to stop. A stop is kept, then logged, then marked as logged; what was kept but not logged (the
//! process died, the disk was full) is found again by [`Storage::unlogged_sessions`].

use jiff::{SignedDuration, Timestamp};

use super::{Storage, StorageFailure, count, database::sql, moment};
use crate::domain::{
    cost::TokenUsage,
    session::{ClosedBy, SessionId},
};

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct StoppedSession {
    /// Its id.
    pub id: SessionId,
    /// When it started; `None` for an id that was never started here.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub stopped_at: Timestamp,
    /// `client` or `idle_timeout`.
    pub closed_by: String,
    /// What the client sent with its stop, as JSON.
    pub metrics: Option<String>,
    /// Whether the stop is in the session log.
    pub logged: bool,
}

impl StoppedSession {
    /// From its start to its end.
    #[must_use]
    pub fn duration(&self) -> Option<SignedDuration> {
        Some(self.stopped_at.duration_since(self.started_at?))
    }
}

/// What the server counted of a session's turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStatistics {
    /// All turns.
    pub turns: u64,
    /// Turns that ended without an answer.
    pub errors: u64,
    /// Tokens.
    pub usage: TokenUsage,
    /// Pico-dollars.
    pub cost: u64,
    /// The models asked, in alphabetical order.
    pub models: Vec<String>,
    /// How long each turn took, in microseconds, shortest first.
    pub latencies: Vec<u64>,
}

type Row = (String, Option<i64>, i64, String, Option<String>, i64);

fn stopped((id, started_at, stopped_at, closed_by, metrics, logged): Row) -> Option<StoppedSession> {
    Some(StoppedSession {
        id: SessionId::parse(&id).ok()?,
        started_at: started_at.map(moment),
        stopped_at: moment(stopped_at),
        closed_by,
        metrics,
        logged: logged != 0,
    })
}

impl Storage {
    /// Keeps a session that starts now.
    pub async fn start_session(&self, id: &SessionId, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO sessions (id, started_at) VALUES ($1, $2)")
            .bind(id.as_str())
            .bind(now.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Forgets a session whose start could not be logged.
    pub async fn delete_session(&self, id: &SessionId) -> Result<(), StorageFailure> {
        sql("DELETE FROM sessions WHERE id = $1").bind(id.as_str()).execute(&self.write).await?;
        Ok(())
    }

    /// Ends a session, whether it was started here or not, unless it has ended before.
    pub async fn stop_session(
        &self,
        id: &SessionId,
        now: Timestamp,
        metrics: Option<&str>,
    ) -> Result<(), StorageFailure> {
        // The session's last turns may still be on their way; they count for it only while it is open.
        self.ledger.settled().await?;
        sql("INSERT INTO sessions (id, stopped_at, closed_by, metrics) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET
                 stopped_at = excluded.stopped_at, closed_by = excluded.closed_by, metrics = excluded.metrics
             WHERE sessions.stopped_at IS NULL")
        .bind(id.as_str())
        .bind(now.as_microsecond())
        .bind(ClosedBy::Client.as_str())
        .bind(metrics)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// A session that has ended.
    pub async fn stopped_session(&self, id: &SessionId) -> Result<Option<StoppedSession>, StorageFailure> {
        let row: Option<Row> = sql("SELECT id, started_at, stopped_at, closed_by, metrics, logged
             FROM sessions WHERE id = $1 AND stopped_at IS NOT NULL")
        .bind(id.as_str())
        .fetch_optional(&self.write)
        .await?;
        Ok(row.and_then(stopped))
    }

    /// Ends the sessions not heard of since `silent_since`, each at the moment of its last turn or of its start.
    pub async fn close_idle_sessions(&self, silent_since: Timestamp) -> Result<(), StorageFailure> {
        self.ledger.settled().await?;
        sql("UPDATE sessions SET
                 closed_by = $2,
                 stopped_at = COALESCE(
                     (SELECT MAX(ended_at) FROM session_turns WHERE session_id = sessions.id), started_at)
             WHERE stopped_at IS NULL AND started_at <= $1 AND NOT EXISTS (
                 SELECT 1 FROM session_turns WHERE session_id = sessions.id AND ended_at > $1)")
        .bind(silent_since.as_microsecond())
        .bind(ClosedBy::IdleTimeout.as_str())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Sessions that have ended but whose stop is not in the log.
    pub async fn unlogged_sessions(&self) -> Result<Vec<StoppedSession>, StorageFailure> {
        let rows: Vec<Row> = sql("SELECT id, started_at, stopped_at, closed_by, metrics, logged
             FROM sessions WHERE stopped_at IS NOT NULL AND logged = 0 ORDER BY stopped_at LIMIT 500")
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().filter_map(stopped).collect())
    }

    /// Leaves the logging of a stop to this replica, unless another one that lives is at it. Returns whether it is ours.
    pub async fn claim_stop(&self, id: &SessionId, now: Timestamp) -> Result<bool, StorageFailure> {
        let claimed = sql("UPDATE sessions SET replica = $2 WHERE id = $1 AND logged = 0 AND NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = sessions.replica AND id <> $2 AND alive_until > $3)")
        .bind(id.as_str())
        .bind(self.replica.id())
        .bind(now.as_microsecond())
        .execute(&self.write)
        .await?;
        Ok(claimed > 0)
    }

    /// Leaves the logging of a stop to whoever comes next.
    pub async fn release_stop(&self, id: &SessionId) -> Result<(), StorageFailure> {
        sql("UPDATE sessions SET replica = NULL WHERE id = $1 AND logged = 0 AND replica = $2")
            .bind(id.as_str())
            .bind(self.replica.id())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The stop is in the log: its turns are no longer needed.
    pub async fn mark_session_logged(&self, id: &SessionId) -> Result<(), StorageFailure> {
        let mut work = self.write.begin().await?;
        sql("UPDATE sessions SET logged = 1 WHERE id = $1").bind(id.as_str()).execute(&mut work).await?;
        sql("DELETE FROM session_turns WHERE session_id = $1").bind(id.as_str()).execute(&mut work).await?;
        work.commit().await
    }

    /// Adds what a client reports with its stop of a session that was closed for being idle. Returns whether this is
    /// news.
    pub async fn add_late_metrics(&self, id: &SessionId, metrics: &str) -> Result<bool, StorageFailure> {
        let added =
            sql("UPDATE sessions SET metrics = $2 WHERE id = $1 AND metrics IS NULL AND closed_by = $3 AND logged = 1")
                .bind(id.as_str())
                .bind(metrics)
                .bind(ClosedBy::IdleTimeout.as_str())
                .execute(&self.write)
                .await?;
        Ok(added > 0)
    }

    /// Forgets sessions that ended before `ended_before` and are in the log.
    pub async fn purge_sessions(&self, ended_before: Timestamp) -> Result<(), StorageFailure> {
        sql("DELETE FROM sessions WHERE stopped_at < $1 AND logged = 1")
            .bind(ended_before.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// What was counted of a session's turns.
    pub async fn session_statistics(&self, id: &SessionId) -> Result<SessionStatistics, StorageFailure> {
        let rows: Vec<(String, i64, i64, i64, i64, i64)> =
            sql("SELECT model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us
             FROM session_turns WHERE session_id = $1 ORDER BY latency_us")
            .bind(id.as_str())
            .fetch_all(&self.read)
            .await?;
        let mut numbers = SessionStatistics::default();
        for (model, failed, prompt, completion, cost, latency) in rows {
            numbers.turns += 1;
            numbers.errors += u64::from(failed != 0);
            numbers.usage += TokenUsage { prompt: count(prompt), completion: count(completion) };
            numbers.cost = numbers.cost.saturating_add(count(cost));
            numbers.latencies.push(count(latency));
            if let Err(place) = numbers.models.binary_search(&model) {
                numbers.models.insert(place, model);
            }
        }
        Ok(numbers)
    }
}

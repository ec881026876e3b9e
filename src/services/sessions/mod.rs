//! A session from start to stop, in the database and in the log.
//!
//! Many go on at once, and nothing is process-global. A stop is logged once, by whichever comes first: the client, the
//! idle time, or the next look at what a crash left unlogged. (Only a process that dies between writing the line and
//! marking it in the database logs it again when it comes back: better twice than never.)

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    adapters::{
        session_log::{
            Lines, LogUnavailable, Metric, ServerMetrics, SessionLog, SessionMetrics, SessionStart, SessionStop,
        },
        storage::{SessionStatistics, StoppedSession, Storage, StorageFailure},
    },
    domain::{
        cost::dollars,
        session::{ClosedBy, SessionId},
    },
    foundation::{clock::Clock, tasks::Tasks},
};

/// How long an ended session is remembered, so that a second stop gets the first one's answer.
const MEMORY: Duration = Duration::from_hours(7 * 24);

/// Client metrics that get a `metric` line of their own at the most; `session_stop` holds all of them.
const METRIC_LINES: usize = 100;

/// A session could not be started or stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionFailure {
    /// The session log cannot be written.
    #[error(transparent)]
    Log(#[from] LogUnavailable),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Storage(#[from] Arc<StorageFailure>),
}

impl From<StorageFailure> for SessionFailure {
    fn from(failure: StorageFailure) -> Self {
        Self::Storage(Arc::new(failure))
    }
}

/// A session that has ended, as its client is told.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// When it ended.
    pub at: Timestamp,
    /// From its start to its end; `None` for an id that was never started here.
    pub duration: Option<SignedDuration>,
    /// Whether the server had closed it for being idle.
    was_idle: bool,
}

impl Stopped {
    fn started_at(&self) -> Option<Timestamp> {
        self.at.checked_sub(self.duration?).ok()
    }
}

/// What a client says when it stops a session.
#[derive(Clone, Debug)]
struct Stop {
    at: Timestamp,
    metrics: Option<Value>,
}

/// Starts and stops sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Keeper>);

#[derive(Debug)]
struct Keeper {
    storage: Storage,
    log: SessionLog,
    clock: Clock,
    tasks: Tasks,
    /// Stops under way: whoever else stops the same session waits for the one that is.
    stops: Cache<SessionId, Stopped>,
    /// Stops that are in the log, for as long as the database may not know it.
    logged: Cache<SessionId, ()>,
}

impl Sessions {
    /// Starts the task that closes sessions idle for longer than `idle_timeout`.
    #[must_use]
    pub fn start(storage: Storage, log: SessionLog, clock: Clock, idle_timeout: Duration, tasks: &Tasks) -> Self {
        let this = Self(Arc::new(Keeper {
            storage,
            log,
            clock,
            tasks: tasks.clone(),
            logged: Cache::builder().max_capacity(100_000).time_to_live(Duration::from_hours(24)).build(),
            stops: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(5)).build(),
        }));
        let sweeper = this.clone();
        let stopping = tasks.stopping();
        let pause = (idle_timeout / 4).clamp(Duration::from_millis(100), Duration::from_secs(30));
        tasks.spawn("idle sessions", async move {
            loop {
                if let Err(failure) = sweeper.sweep(idle_timeout).await {
                    tracing::warn!(%failure, "idle sessions could not be closed; trying again later");
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stopping.cancelled() => return,
                }
            }
        });
        this
    }

    /// Begins a session. When this returns, it is in the database and in the log.
    pub async fn begin(&self) -> Result<(SessionId, Timestamp), SessionFailure> {
        self.0.log.ensure_writable()?;
        let this = self.clone();
        self.to_the_end("session start", async move { this.begin_and_log().await }).await
    }

    async fn begin_and_log(&self) -> Result<(SessionId, Timestamp), SessionFailure> {
        let now = self.0.clock.now();
        let id = SessionId::generate(&now.to_zoned(self.0.clock.zone().clone()));
        self.0.storage.start_session(&id, now).await?;
        let event = SessionStart { session_id: id.as_str() };
        if let Err(unavailable) = self.0.log.append(now, &event).await {
            if let Err(failure) = self.0.storage.delete_session(&id).await {
                tracing::warn!(%failure, session_id = %id, "a session that was not answered could not be forgotten");
            }
            return Err(unavailable.into());
        }
        Ok((id, now))
    }

    /// Does work to its end, even if the client leaves in the middle.
    async fn to_the_end<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, SessionFailure>> + Send + 'static,
    ) -> Result<T, SessionFailure> {
        let (done, outcome) = oneshot::channel();
        self.0.tasks.spawn(name, async move {
            // The client may have left.
            let _ = done.send(work.await);
        });
        outcome.await.unwrap_or(Err(LogUnavailable.into()))
    }

    /// Ends a session, started here or not, with the client's `metrics` (a JSON object). Ended before, it answers the
    /// same and logs nothing. Without an id, there is only something to log.
    pub async fn end(&self, id: Option<SessionId>, metrics: Option<Value>) -> Result<Stopped, SessionFailure> {
        self.0.log.ensure_writable()?;
        let stop = Stop { at: self.0.clock.now(), metrics };
        if let Some(id) = id {
            return self.settle(id, Some(stop)).await;
        }
        let lines =
            self.stop_lines(stop.at, None, &stop.metrics.unwrap_or_else(empty), None, ClosedBy::Client.as_str(), None);
        self.0.log.write(lines).await?;
        Ok(Stopped { at: stop.at, duration: None, was_idle: false })
    }

    /// Sees to it that a session has ended and that its end is logged; one at a time for each session.
    async fn settle(&self, id: SessionId, stop: Option<Stop>) -> Result<Stopped, SessionFailure> {
        let this = self.clone();
        self.to_the_end("session stop", async move {
            let late = stop.clone();
            let work = this.end_and_log(&id, stop);
            let settled = this.0.stops.try_get_with(id.clone(), work).await;
            let stopped = settled.map_err(|failure| SessionFailure::clone(&failure))?;
            // Apart from the shared work, which may have been the idle time's.
            if stopped.was_idle
                && let Some(Stop { at, metrics: Some(metrics) }) = late
            {
                let duration = stopped.started_at().map(|started_at| at.duration_since(started_at));
                this.add_late_metrics(&id, &metrics, duration).await?;
            }
            Ok(stopped)
        })
        .await
    }

    async fn end_and_log(&self, id: &SessionId, stop: Option<Stop>) -> Result<Stopped, SessionFailure> {
        let storage = &self.0.storage;
        if let Some(Stop { at, metrics }) = stop {
            let metrics = metrics.as_ref().map(Value::to_string);
            storage.stop_session(id, at, metrics.as_deref()).await?;
        }
        let Some(session) = storage.stopped_session(id).await? else {
            // Forgotten between two looks at it; there is nothing left to do.
            return Ok(Stopped { at: self.0.clock.now(), duration: None, was_idle: false });
        };
        if !session.logged && storage.claim_stop(id, self.0.clock.now()).await? {
            let logged = self.log_stop(&session).await;
            if logged.is_err() && storage.is_shared() {
                storage.release_stop(id).await?;
            }
            logged?;
        }
        let was_idle = session.closed_by == ClosedBy::IdleTimeout.as_str();
        Ok(Stopped { at: session.stopped_at, duration: session.duration(), was_idle })
    }

    /// Logs what a client reports of a session that was closed for being idle, once; `duration` is how long the session
    /// had lasted when its client stopped it.
    async fn add_late_metrics(
        &self,
        id: &SessionId,
        metrics: &Value,
        duration: Option<SignedDuration>,
    ) -> Result<(), SessionFailure> {
        if self.0.storage.add_late_metrics(id, &metrics.to_string()).await? {
            let session_id = id.as_str();
            let mut lines = self.0.log.lines(self.0.clock.now());
            add_metrics(&mut lines, session_id, metrics);
            let duration_seconds = duration.map(|duration| duration.as_secs_f64());
            lines.add(&SessionMetrics { session_id, duration_seconds, metrics });
            self.0.log.write(lines).await?;
        }
        Ok(())
    }

    /// Logs a stop once, and marks it as logged; a mark that could not be set is set by the next sweep.
    async fn log_stop(&self, session: &StoppedSession) -> Result<(), SessionFailure> {
        if self.0.logged.get(&session.id).await.is_none() {
            let statistics = self.0.storage.session_statistics(&session.id).await?;
            // A session that was never started here has had nobody to count its turns.
            let server_metrics = session.started_at.map(|_| server_metrics(&statistics));
            // The line is written now; the session may have ended a while ago, of idleness or before a crash.
            let lines = self.stop_lines(
                self.0.clock.now(),
                Some(session.id.as_str()),
                &parsed(session.metrics.as_deref()),
                session.duration(),
                &session.closed_by,
                server_metrics,
            );
            self.0.log.write(lines).await?;
            self.0.logged.insert(session.id.clone(), ()).await;
        }
        if let Err(failure) = self.0.storage.mark_session_logged(&session.id).await {
            tracing::warn!(%failure, session_id = %session.id, "a logged stop could not be marked as such yet");
        }
        Ok(())
    }

    fn stop_lines(
        &self,
        at: Timestamp,
        session_id: Option<&str>,
        metrics: &Value,
        duration: Option<SignedDuration>,
        closed_by: &str,
        server_metrics: Option<ServerMetrics<'_>>,
    ) -> Lines {
        let mut lines = self.0.log.lines(at);
        if let Some(session_id) = session_id {
            add_metrics(&mut lines, session_id, metrics);
        }
        let duration_seconds = duration.map(|duration| duration.as_secs_f64());
        lines.add(&SessionStop { session_id, duration_seconds, metrics, closed_by, server_metrics });
        lines
    }

    /// Ends the sessions that have been idle for too long, logs every end that isn't logged yet, and forgets what is
    /// long over.
    async fn sweep(&self, idle_timeout: Duration) -> Result<(), SessionFailure> {
        let clock = &self.0.clock;
        if !self.0.storage.holds_lease("idle sessions", clock.now()).await? {
            return Ok(());
        }
        self.0.storage.close_idle_sessions(clock.ago(idle_timeout)).await?;
        for session in self.0.storage.unlogged_sessions().await? {
            self.settle(session.id, None).await?;
        }
        self.0.storage.purge_sessions(clock.ago(MEMORY)).await?;
        Ok(())
    }
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A client's metrics as they were kept.
fn parsed(metrics: Option<&str>) -> Value {
    metrics.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(empty)
}

/// One line for each simple value that the client reported.
fn add_metrics(lines: &mut Lines, session_id: &str, metrics: &Value) {
    let entries = metrics.as_object().into_iter().flatten();
    let simple = entries.filter(|(_, value)| !value.is_object() && !value.is_array());
    for (metric_name, metric_value) in simple.take(METRIC_LINES) {
        lines.add(&Metric { session_id, metric_name, metric_value });
    }
}

fn server_metrics(statistics: &SessionStatistics) -> ServerMetrics<'_> {
    let latency = |percent| percentile(&statistics.latencies, percent).map(milliseconds);
    ServerMetrics {
        turns: statistics.turns,
        errors: statistics.errors,
        prompt_tokens: statistics.usage.prompt,
        completion_tokens: statistics.usage.completion,
        total_tokens: statistics.usage.total(),
        cost_usd: dollars(statistics.cost),
        models: &statistics.models,
        latency_p50_ms: latency(50),
        latency_p95_ms: latency(95),
        latency_max_ms: latency(100),
    }
}

/// The nearest-rank percentile of sorted values.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[expect(clippy::cast_precision_loss, reason = "turns last seconds, not centuries")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred = (1..=100).collect::<Vec<_>>();
        assert_eq!([50, 95, 100].map(|percent| percentile(&hundred, percent)), [Some(50), Some(95), Some(100)]);
        assert_eq!([50, 95, 100].map(|percent| percentile(&[7], percent)), [Some(7); 3]);
        assert_eq!(percentile(&[1, 2], 50), Some(1));
        assert_eq!(percentile(&[], 50), None);
    }
}

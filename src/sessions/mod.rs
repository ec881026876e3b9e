//! A session from start to stop, in the database and in the log.
//!
//! Many go on at once, and nothing is process-global. A stop is logged once, by whichever comes first: the client, the
//! idle time, or the next look at what a crash left unlogged.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    clock::Clock,
    cost::dollars,
    session::{ClosedBy, SessionId},
    session_log::{LogUnavailable, Metric, ServerMetrics, SessionLog, SessionStart, SessionStop},
    storage::{SessionNumbers, StoppedSession, Storage, StorageFailure},
    tasks::Tasks,
};

/// How long an ended session is remembered, so that a second stop gets the first one's answer.
const MEMORY: SignedDuration = SignedDuration::from_hours(7 * 24);

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
        let now = self.0.clock.now();
        let id = SessionId::mint(&now.to_zoned(self.0.clock.zone().clone()));
        self.0.storage.start_session(&id, now).await?;
        let event = SessionStart { session_id: id.as_str() };
        if let Err(unavailable) = self.0.log.append(now, &event).await {
            self.0.storage.forget_session(&id).await?;
            return Err(unavailable.into());
        }
        Ok((id, now))
    }

    /// Ends a session, started here or not, with the client's `metrics` (a JSON object). Ended before, it answers the
    /// same and logs nothing. Without an id, there is only something to log.
    pub async fn end(&self, id: Option<SessionId>, metrics: Option<Value>) -> Result<Stopped, SessionFailure> {
        self.0.log.ensure_writable()?;
        let stop = Stop { at: self.0.clock.now(), metrics };
        if let Some(id) = id {
            return self.settle(id, Some(stop)).await;
        }
        let numbers = SessionNumbers::default();
        self.log(None, None, stop.at, stop.metrics, ClosedBy::Client.as_str(), &numbers).await?;
        Ok(Stopped { at: stop.at, duration: None })
    }

    /// Sees to it that a session has ended and that its end is logged; one at a time for each session, and to the end
    /// even if the client leaves.
    async fn settle(&self, id: SessionId, stop: Option<Stop>) -> Result<Stopped, SessionFailure> {
        let (done, settled) = oneshot::channel();
        let this = self.clone();
        self.0.tasks.spawn("session stop", async move {
            let work = this.end_and_log(&id, stop);
            let settled = this.0.stops.try_get_with(id.clone(), work).await;
            let _ = done.send(settled.map_err(|failure| SessionFailure::clone(&failure)));
        });
        settled.await.unwrap_or(Err(LogUnavailable.into()))
    }

    async fn end_and_log(&self, id: &SessionId, stop: Option<Stop>) -> Result<Stopped, SessionFailure> {
        let storage = &self.0.storage;
        if let Some(Stop { at, metrics }) = stop {
            let metrics = metrics.map(|metrics| metrics.to_string());
            storage.stop_session(id, at, metrics.as_deref()).await?;
        }
        let Some(session) = storage.stopped_session(id).await? else {
            // Forgotten between two looks at it; there is nothing left to do.
            return Ok(Stopped { at: self.0.clock.now(), duration: None });
        };
        if !session.logged {
            self.log_stop(&session).await?;
            storage.mark_session_logged(id).await?;
        }
        Ok(Stopped { at: session.stopped_at, duration: session.duration() })
    }

    async fn log_stop(&self, session: &StoppedSession) -> Result<(), SessionFailure> {
        let numbers = self.0.storage.session_numbers(&session.id).await?;
        let metrics = session.metrics.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let id = Some(session.id.as_str());
        // The line is written now; the session may have ended a while ago, of idleness or before a crash.
        let now = self.0.clock.now();
        self.log(id, session.duration(), now, metrics, &session.closed_by, &numbers).await?;
        Ok(())
    }

    async fn log(
        &self,
        id: Option<&str>,
        duration: Option<SignedDuration>,
        at: Timestamp,
        metrics: Option<Value>,
        closed_by: &str,
        numbers: &SessionNumbers,
    ) -> Result<(), LogUnavailable> {
        let metrics = metrics.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let mut lines = self.0.log.lines(at);
        if let (Some(session_id), Some(entries)) = (id, metrics.as_object()) {
            let scalars = entries.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
            for (metric_name, metric_value) in scalars.take(METRIC_LINES) {
                lines.add(&Metric { session_id, metric_name, metric_value });
            }
        }
        lines.add(&SessionStop {
            session_id: id,
            duration_seconds: duration.map(|duration| duration.as_secs_f64()),
            metrics: &metrics,
            closed_by,
            server_metrics: server_metrics(numbers),
        });
        self.0.log.write(lines).await
    }

    /// Ends the sessions that have been idle for too long, logs every end that isn't logged yet, and forgets what is
    /// long over.
    async fn sweep(&self, idle_timeout: Duration) -> Result<(), SessionFailure> {
        let now = self.0.clock.now();
        let idle_timeout = SignedDuration::try_from(idle_timeout).unwrap_or(SignedDuration::MAX);
        let before = |age: SignedDuration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        self.0.storage.close_idle_sessions(before(idle_timeout)).await?;
        for session in self.0.storage.unlogged_sessions().await? {
            self.settle(session.id, None).await?;
        }
        self.0.storage.forget_sessions(before(MEMORY)).await?;
        Ok(())
    }
}

fn server_metrics(numbers: &SessionNumbers) -> ServerMetrics<'_> {
    let latency = |percent| percentile(&numbers.latencies, percent).map(milliseconds);
    ServerMetrics {
        turns: numbers.turns,
        errors: numbers.errors,
        prompt_tokens: numbers.usage.prompt,
        completion_tokens: numbers.usage.completion,
        total_tokens: numbers.usage.total(),
        cost_usd: dollars(numbers.cost),
        models: &numbers.models,
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

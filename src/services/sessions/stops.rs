//! Stopping a session: stored in the database, logged once, then marked as logged.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use serde_json::Value;

use super::{failure::SessionFailure, lines};
use crate::{
    adapters::{
        hooks,
        session_log::SessionLog,
        storage::{Destination, OutboxEntry, SessionStatistics, StoppedSession, Storage},
    },
    domain::{
        log_position::LogEnd,
        session::{ClosedBy, SessionId},
    },
    foundation::clock::Clock,
};

/// The end of a session, as its client sees it.
#[derive(Clone, Debug)]
pub struct SessionEnd {
    /// The time at which the session ended.
    pub at: Timestamp,
    /// The time from the session's start to its end; `None` for an id that was never started here.
    pub duration: Option<SignedDuration>,
    /// The session's start in [`Storage::session_time`].
    started_at: Option<Timestamp>,
    /// Whether the server closed the session as idle.
    was_idle: bool,
}

impl SessionEnd {
    /// Returns the end of a session that is not stored.
    pub(super) fn unknown_session(at: Timestamp) -> Self {
        Self { at, duration: None, started_at: None, was_idle: false }
    }
}

/// A stop requested by a client.
#[derive(Clone, Debug)]
pub(super) struct ClientStop {
    pub(super) at: Timestamp,
    /// The client's metrics, a JSON object.
    pub(super) metrics: Option<Value>,
}

/// Stops sessions, at most once each.
#[derive(Debug)]
pub(super) struct Stops {
    storage: Storage,
    log: SessionLog,
    clock: Clock,
    /// Stops in progress. Concurrent stops of one session share the first one's work.
    in_progress: Cache<SessionId, SessionEnd>,
    /// Sessions whose stop is logged, but perhaps not marked as such in the database yet.
    logged: Cache<SessionId, ()>,
}

impl Stops {
    pub(super) fn new(storage: Storage, log: SessionLog, clock: Clock) -> Self {
        let in_progress = Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(5)).build();
        let logged = Cache::builder().max_capacity(100_000).time_to_live(Duration::from_hours(24)).build();
        Self { storage, log, clock, in_progress, logged }
    }

    /// Stops a session, and logs the stop if it is not logged yet. Without a `stop`, only logs a session that has ended.
    pub(super) async fn stop(&self, id: SessionId, stop: Option<ClientStop>) -> Result<SessionEnd, SessionFailure> {
        let work = self.stop_and_log(&id, stop.clone());
        let end = self.in_progress.try_get_with(id.clone(), work).await;
        let end = end.map_err(|failure| SessionFailure::clone(&failure))?;
        // After the shared work, which may have been that of the idle timeout.
        if end.was_idle
            && let Some(ClientStop { metrics: Some(metrics), .. }) = stop
        {
            let now = self.storage.session_time();
            let duration = end.started_at.map(|started_at| now.duration_since(started_at).max(SignedDuration::ZERO));
            self.add_late_metrics(&id, &metrics, duration).await?;
        }
        Ok(end)
    }

    async fn stop_and_log(&self, id: &SessionId, stop: Option<ClientStop>) -> Result<SessionEnd, SessionFailure> {
        if let Some(ClientStop { at, metrics }) = stop {
            let metrics = metrics.as_ref().map(Value::to_string);
            self.storage.stop_session(id, at, metrics.as_deref()).await?;
        }
        let Some(session) = self.storage.stopped_session(id).await? else {
            // Purged meanwhile.
            return Ok(SessionEnd::unknown_session(self.clock.now()));
        };
        if !session.logged {
            self.claim_and_log(&session).await?;
        }
        let was_idle = session.closed_by == ClosedBy::IdleTimeout.as_str();
        Ok(SessionEnd { at: session.stopped_at, duration: session.duration, started_at: session.started_at, was_idle })
    }

    /// Logs a stop unless another replica does. After a failure, any replica of a shared database may log it.
    async fn claim_and_log(&self, session: &StoppedSession) -> Result<(), SessionFailure> {
        if !self.storage.claim_stop(&session.id).await? {
            return Ok(());
        }
        let logged = self.log_once(session).await;
        if logged.is_err() && self.storage.is_shared() {
            self.storage.release_stop(&session.id).await?;
        }
        logged
    }

    /// Logs a stop once. The mark that it is logged follows in the database together with the turns before it in the log.
    async fn log_once(&self, session: &StoppedSession) -> Result<(), SessionFailure> {
        if self.logged.get(&session.id).await.is_none() {
            let statistics = self.storage.session_statistics(&session.id).await?;
            let now = self.clock.now();
            let lines = lines::of_session(&self.log, now, session, &statistics);
            let event = self.event(now, session, &statistics);
            let (storage, id) = (self.storage.clone(), session.id.clone());
            let mark = move |end: Option<LogEnd>| {
                if let Some(end) = end {
                    storage.enqueue_logged_stop(id, event, end);
                }
            };
            self.log.write_then(lines, mark).await?;
            self.logged.insert(session.id.clone(), ()).await;
        }
        Ok(())
    }

    /// Creates the event that a session has ended.
    fn event(&self, now: Timestamp, session: &StoppedSession, statistics: &SessionStatistics) -> OutboxEntry {
        let id = session.id.as_str();
        let encode = || {
            let ended = lines::ended(session, statistics);
            Some((hooks::session_key(id), hooks::encode(&self.clock.rfc3339(now), &ended)?))
        };
        self.storage.outbox(Destination::Events).entry(encode)
    }

    /// Logs the client's metrics of a session that the server has closed as idle, unless they were logged before.
    async fn add_late_metrics(
        &self,
        id: &SessionId,
        metrics: &Value,
        duration: Option<SignedDuration>,
    ) -> Result<(), SessionFailure> {
        if self.storage.add_late_metrics(id, &metrics.to_string()).await? {
            let now = self.clock.now();
            self.log.write(lines::of_late_metrics(&self.log, now, id.as_str(), metrics, duration)).await?;
        }
        Ok(())
    }
}

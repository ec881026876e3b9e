//! Sessions from start to stop, in the database and in the session log.
//!
//! Any number of sessions run at once. A stop is logged once, whether it comes from the client, from the idle timeout, or
//! from the sweep that logs stops left by a crash. A stop whose line a process has written before it died is marked as
//! logged by the recovery, which comes first at a start. Only another replica, which cannot read that log, logs it again
//! if it takes over after 30 s.

mod failure;
mod handover;
mod lines;
mod stops;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::stops::{ClientStop, Stops};
pub use self::{failure::SessionFailure, stops::SessionEnd};
use crate::{
    adapters::{
        session_log::{LogUnavailable, SessionLog, SessionStart},
        storage::Storage,
    },
    domain::{
        client_ip::ClientIp,
        limits::{LimitScope, UsageLimits},
        session::{SessionId, SessionKey},
    },
    foundation::{clock::Clock, error_chain::ErrorChain, tasks::Tasks},
};

/// Starts and stops sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    log: SessionLog,
    clock: Clock,
    tasks: Tasks,
    stops: Stops,
    key: SessionKey,
    limits: Arc<UsageLimits>,
}

/// The client that starts or stops a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionClient {
    /// The client's address.
    pub address: ClientIp,
    /// Whether the request comes from this machine, and not through a proxy.
    pub is_local: bool,
    /// Whether the client is a server with an API key, which starts sessions for many people.
    pub is_server: bool,
}

impl Sessions {
    /// Starts the task that closes sessions idle for longer than `idle_timeout`. `limits` bound those of an address.
    #[must_use]
    pub fn start(
        storage: Storage,
        log: SessionLog,
        clock: Clock,
        key: SessionKey,
        limits: Arc<UsageLimits>,
        idle_timeout: Duration,
        tasks: &Tasks,
    ) -> Self {
        let stops = Stops::new(storage.clone(), log.clone(), clock.clone());
        let this = Self(Arc::new(Inner { storage, log, clock, tasks: tasks.clone(), stops, key, limits }));
        tasks.spawn("idle sessions", this.clone().sweep_periodically(idle_timeout, tasks.stopping()));
        this
    }

    /// Whether a session was started by this service, at any replica and at any time. Reads no database.
    #[must_use]
    pub fn was_started_here(&self, id: &SessionId) -> bool {
        id.was_generated_with(&self.0.key)
    }

    /// Begins a session. It is in the database and in the session log when this returns. Fails if too many sessions were begun
    /// from the address.
    pub async fn begin(&self, client: SessionClient) -> Result<(SessionId, Timestamp), SessionFailure> {
        self.admit(LimitScope::Sessions, client)?;
        self.0.log.ensure_writable()?;
        let this = self.clone();
        let started = self.0.tasks.run_to_completion("session start", async move { this.begin_and_log().await }).await;
        started.unwrap_or(Err(LogUnavailable.into()))
    }

    async fn begin_and_log(&self) -> Result<(SessionId, Timestamp), SessionFailure> {
        let now = self.0.clock.now();
        let id = SessionId::generate(&now.to_zoned(self.0.clock.zone().clone()), &self.0.key);
        self.0.storage.start_session(&id).await?;
        let event = SessionStart { session_id: id.as_str() };
        if let Err(unavailable) = self.0.log.append(now, &event).await {
            if let Err(failure) = self.0.storage.delete_session(&id).await {
                tracing::warn!(failure = %ErrorChain(&failure), session_id = %id, "cannot remove a session whose start was not logged");
            }
            return Err(unavailable.into());
        }
        Ok((id, now))
    }

    /// Counts a session or a hand-over of the client's address, without a look into the database. Servers are not limited.
    fn admit(
        &self,
        scope: LimitScope,
        SessionClient { address, is_local, is_server }: SessionClient,
    ) -> Result<(), SessionFailure> {
        if is_server {
            return Ok(());
        }
        let Inner { limits, storage, .. } = &*self.0;
        Ok(limits.admit(scope, address, is_local, storage.session_time())?)
    }

    /// Ends a session with the client's `metrics` (a JSON object), whether it was started here or not. A session that has
    /// ended before gets the same answer, and is not logged again. A stop without an `id` is only logged. Fails if the session
    /// was not started here, and the address has begun or ended too many.
    pub async fn end(
        &self,
        client: SessionClient,
        id: Option<SessionId>,
        metrics: Option<Value>,
    ) -> Result<SessionEnd, SessionFailure> {
        if !id.as_ref().is_some_and(|id| self.was_started_here(id)) {
            self.admit(LimitScope::Sessions, client)?;
        }
        let Inner { log, clock, .. } = &*self.0;
        log.ensure_writable()?;
        let at = clock.now();
        if let Some(id) = id {
            return self.stop(id, Some(ClientStop { at, metrics })).await;
        }
        log.write(lines::without_session(log, at, metrics)).await?;
        Ok(SessionEnd::unknown_session(at))
    }

    async fn stop(&self, id: SessionId, stop: Option<ClientStop>) -> Result<SessionEnd, SessionFailure> {
        let this = self.clone();
        let stopped =
            self.0.tasks.run_to_completion("session stop", async move { this.0.stops.stop(id, stop).await }).await;
        stopped.unwrap_or(Err(LogUnavailable.into()))
    }

    async fn sweep_periodically(self, idle_timeout: Duration, stopping: CancellationToken) {
        let pause = (idle_timeout / 4).clamp(Duration::from_millis(100), Duration::from_secs(30));
        loop {
            if let Err(failure) = self.sweep(idle_timeout).await {
                tracing::warn!(failure = %ErrorChain(&failure), "cannot close idle sessions; trying again later");
            }
            if stopping.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Closes the sessions that are idle for longer than `idle_timeout`, logs all stops that are not logged yet, and
    /// removes sessions that ended long ago. Only the replica that holds the lease does so.
    async fn sweep(&self, idle_timeout: Duration) -> Result<(), SessionFailure> {
        let Inner { storage, clock, .. } = &*self.0;
        if !storage.try_acquire_lease("idle sessions").await? {
            return Ok(());
        }
        storage.close_idle_sessions(idle_timeout, clock.now()).await?;
        for session in storage.unlogged_sessions().await? {
            self.stop(session.id, None).await?;
        }
        storage.sync_retention_time().await?;
        Ok(storage.purge_sessions().await?)
    }
}

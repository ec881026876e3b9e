//! The identity of this process among the replicas that share a database, and its heartbeats.
//!
//! The table of replicas holds those that count as alive. Each replica changes its row every five seconds, and removes the
//! rows of others that it sees unchanged for long. So no replica compares another machine's clock with its own.
//!
//! SQLite has one process and an empty table of replicas: an id found in another table belongs to a process that has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{database::Pool, failure::StorageFailure, observed_heartbeats::ObservedHeartbeats, statement::sql};
use crate::foundation::error_chain::ErrorChain;

/// The time between two heartbeats, and between two looks at the heartbeats of others.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The id of this process: the id of its session log, and its own id, which the lines of the log have. A restarted process has another id.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    id: Arc<str>,
    /// The number of other replicas at the last look.
    others: Arc<AtomicU64>,
}

impl Replica {
    /// Returns the identity of the process `instance`, which writes the session log `log`.
    pub(super) fn new(log: &str, instance: Uuid) -> Self {
        Self { id: format!("{log}.{instance}").into(), others: Arc::default() }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the number of other replicas at the last look; 0 before the first one.
    pub(super) fn others(&self) -> u64 {
        self.others.load(Ordering::Relaxed)
    }

    /// Removes the replicas that had this process's session log. They have ended, because this process has locked that
    /// log.
    pub(super) async fn remove_predecessors(&self, log: &str, pool: &Pool) -> Result<(), StorageFailure> {
        sql("DELETE FROM replicas WHERE id LIKE $1 AND id <> $2")
            .bind(format!("{log}.%"))
            .bind(self.id())
            .execute(pool)
            .await?;
        Ok(())
    }

    /// Adds this replica, or notes that it is alive.
    pub(super) async fn send_heartbeat(&self, pool: &Pool) -> Result<(), StorageFailure> {
        sql("INSERT INTO replicas (id, heartbeat_at)
             VALUES ($1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))
             ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at")
        .bind(self.id())
        .execute(pool)
        .await?;
        Ok(())
    }

    /// Counts the other replicas.
    pub(super) async fn count_others(&self, pool: &Pool) -> Result<(), StorageFailure> {
        let others = sql("SELECT COUNT(*) FROM replicas WHERE id <> $1").bind(self.id());
        let (others,): (i64,) = others.fetch_one(pool).await?;
        self.others.store(others.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }

    /// Sends heartbeats and removes replicas that send none, until the token is cancelled.
    pub(super) async fn run_heartbeats(self, pool: Pool, stopping: CancellationToken) {
        let mut observed = ObservedHeartbeats::default();
        while stopping.run_until_cancelled(sleep(HEARTBEAT_INTERVAL)).await.is_some() {
            if let Err(failure) = self.beat(&pool, &mut observed).await {
                tracing::warn!(failure = %ErrorChain(&failure), "the heartbeat of this replica failed");
            }
        }
    }

    async fn beat(&self, pool: &Pool, observed: &mut ObservedHeartbeats) -> Result<(), StorageFailure> {
        self.send_heartbeat(pool).await?;
        let heartbeats = sql("SELECT id, heartbeat_at FROM replicas WHERE id <> $1").bind(self.id());
        let heartbeats = heartbeats.fetch_all(pool).await?;
        self.others.store(heartbeats.len() as u64, Ordering::Relaxed);
        for (id, heartbeat_at) in observed.replace(heartbeats) {
            let dead = sql("DELETE FROM replicas WHERE id = $1 AND heartbeat_at = $2").bind(&id).bind(heartbeat_at);
            if dead.execute(pool).await? > 0 {
                tracing::warn!(
                    replica = id,
                    "a replica has ended without stopping in order; its leases can be taken over"
                );
            }
        }
        Ok(())
    }

    /// Removes this replica, so that others take its leases over at once.
    pub(super) async fn deregister(&self, pool: &Pool) -> Result<(), StorageFailure> {
        sql("DELETE FROM replicas WHERE id = $1").bind(self.id()).execute(pool).await?;
        Ok(())
    }
}

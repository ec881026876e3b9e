//! The identity of this process among the replicas that share a database, and its heartbeats.
//!
//! SQLite has one process and an empty table of replicas: an id found in another table belongs to a process that has ended.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{database::Pool, failure::StorageFailure, statement::sql};
use crate::foundation::{clock::Clock, error_chain::ErrorChain};

/// The time after its last heartbeat at which a replica counts as dead. It is longer than a restart of a database server
/// takes.
const LIVENESS_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// The time between two heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The id of this process: the id of its session log, and its own id, which the lines of the log have. A restarted process has another id.
#[derive(Clone, Debug)]
pub(super) struct Replica(Arc<str>);

impl Replica {
    /// Returns the identity of the process `instance`, which writes the session log `log`.
    pub(super) fn new(log: &str, instance: Uuid) -> Self {
        Self(format!("{log}.{instance}").into())
    }

    pub(super) fn id(&self) -> &str {
        &self.0
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

    /// Stores a heartbeat: this replica is alive until [`LIVENESS_TIMEOUT`] from now.
    pub(super) async fn send_heartbeat(&self, pool: &Pool, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO replicas (id, alive_until) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until")
        .bind(self.id())
        .bind((now + LIVENESS_TIMEOUT).as_microsecond())
        .execute(pool)
        .await?;
        Ok(())
    }

    /// Sends heartbeats and removes replicas that died long ago, until the token is cancelled.
    pub(super) async fn run_heartbeats(self, pool: Pool, clock: Clock, stopping: CancellationToken) {
        while stopping.run_until_cancelled(sleep(HEARTBEAT_INTERVAL)).await.is_some() {
            let now = clock.now();
            let outcome = async {
                self.send_heartbeat(&pool, now).await?;
                let long_ago = (now - LIVENESS_TIMEOUT - LIVENESS_TIMEOUT).as_microsecond();
                sql("DELETE FROM replicas WHERE alive_until < $1").bind(long_ago).execute(&pool).await
            };
            if let Err(failure) = outcome.await {
                tracing::warn!(failure = %ErrorChain(&failure), "the heartbeat of this replica failed");
            }
        }
    }

    /// Removes this replica, so that others take its leases over at once.
    pub(super) async fn deregister(&self, pool: &Pool) -> Result<(), StorageFailure> {
        sql("DELETE FROM replicas WHERE id = $1").bind(self.id()).execute(pool).await?;
        Ok(())
    }
}

//! Services that share a database: which of them are alive, and who of them does what only one may do.
//!
//! With SQLite there is one, and no entry of it: whoever else stands in a row has died.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::{NoContext, Uuid};

use super::{
    Storage, StorageFailure,
    database::{Pool, sql},
};
use crate::foundation::clock::Clock;

/// A replica that wasn't heard of for this long is dead. Longer than a server takes to come back after a restart.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often a replica says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// This process among those that share the database, named after its session log. A restarted one is another.
#[derive(Clone, Debug)]
pub(super) struct Replica(Arc<str>);

impl Replica {
    pub(super) fn new(log: &str) -> Self {
        let process = Uuid::new_v7(uuid::Timestamp::now(NoContext));
        Self(format!("{log}.{process}").into())
    }

    pub(super) fn id(&self) -> &str {
        &self.0
    }

    /// Forgets those that had the same session log: as it is this one's now, they have died.
    pub(super) async fn succeed(&self, pool: &Pool) -> Result<(), StorageFailure> {
        let log = self.0.split_once('.').map_or("", |(log, _)| log);
        sql("DELETE FROM replicas WHERE id LIKE $1").bind(format!("{log}.%")).execute(pool).await?;
        Ok(())
    }

    /// Says that it is alive from now on.
    pub(super) async fn sign_on(&self, pool: &Pool, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO replicas (id, alive_until) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until")
        .bind(self.id())
        .bind((now + LEASE).as_microsecond())
        .execute(pool)
        .await?;
        Ok(())
    }

    /// Says again and again that it is alive, and forgets those that are long dead.
    pub(super) async fn stay(self, pool: Pool, clock: Clock, stopping: CancellationToken) {
        loop {
            select! {
                () = sleep(HEARTBEAT) => {}
                () = stopping.cancelled() => return,
            }
            let now = clock.now();
            let outcome = async {
                self.sign_on(&pool, now).await?;
                let long_ago = (now - LEASE - LEASE).as_microsecond();
                sql("DELETE FROM replicas WHERE alive_until < $1").bind(long_ago).execute(&pool).await
            };
            if let Err(failure) = outcome.await {
                tracing::warn!(%failure, "this replica cannot say that it is alive");
            }
        }
    }

    /// Leaves what it does to others.
    pub(super) async fn sign_off(&self, pool: &Pool) -> Result<(), StorageFailure> {
        sql("DELETE FROM replicas WHERE id = $1").bind(self.id()).execute(pool).await?;
        Ok(())
    }
}

impl Storage {
    /// Whether other processes may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.write, Pool::Postgres(_))
    }

    /// Whether this replica is the one that does this duty: it has taken it, before or now.
    pub async fn holds_lease(&self, name: &str, now: Timestamp) -> Result<bool, StorageFailure> {
        if !self.is_shared() {
            return Ok(true);
        }
        let taken = sql("INSERT INTO duties (name, replica) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET replica = excluded.replica
             WHERE duties.replica = excluded.replica OR NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = duties.replica AND alive_until > $3)")
        .bind(name)
        .bind(self.replica.id())
        .bind(now.as_microsecond())
        .execute(&self.write)
        .await?;
        Ok(taken > 0)
    }
}

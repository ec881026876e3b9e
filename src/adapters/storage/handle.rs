//! The handle to an open database: opening, health, and closing.

use std::{fs::File, sync::Arc};

use uuid::Uuid;

use super::{
    connections::Connections, database::Pool, failure::StorageFailure, open_failure::DatabaseOpenFailure,
    outbox_counter::OutboxCounter, postgres, replica::Replica, sqlite, statement::sql, turn_repository::TurnRepository,
    turn_writer::TurnWriter,
};
use crate::foundation::{
    config::{self, DatabaseAddress},
    error_chain::ErrorChain,
    tasks::Tasks,
};

/// Connects to the database that the settings name, and runs its migrations.
async fn connect(settings: &config::Database) -> Result<Connections, DatabaseOpenFailure> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => sqlite::open(address, settings.file_access).await,
        DatabaseAddress::Postgres(url) => postgres::open(url, settings).await,
    }
}

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    pub(super) write: Pool,
    pub(super) read: Pool,
    pub(super) replica: Replica,
    pub(super) turns: TurnRepository,
    pub(super) turn_writer: TurnWriter,
    pub(super) outbox: Arc<OutboxCounter>,
    /// The lock on a SQLite file, held until the last clone is dropped or the database is closed.
    lock: Option<Arc<File>>,
}

impl Storage {
    /// Opens the database, makes a SQLite file that does not exist, and runs migrations. `log` is the id of the session
    /// log that holds the turns to be stored here, `instance` that of this process. `tasks` owns the background tasks.
    pub async fn open(
        settings: &config::Database,
        log: String,
        instance: Uuid,
        tasks: &Tasks,
    ) -> Result<Self, DatabaseOpenFailure> {
        let Connections { write, read, heartbeat, checkpoints, lock } = connect(settings).await?;
        let replica = Replica::new(&log, instance);
        if let Some(heartbeat) = heartbeat {
            replica.register(&heartbeat).await?;
            tasks.spawn("heartbeats", replica.clone().run_heartbeats(heartbeat, tasks.stopping()));
        }
        if let Some(checkpoints) = checkpoints {
            tasks.spawn("checkpoints", checkpoints.run(tasks.stopping()));
        }
        let outbox = Arc::new(OutboxCounter::open(&read).await?);
        let turns = TurnRepository { write: write.clone(), log, instance };
        let (turn_writer, writing) = TurnWriter::new(turns.clone(), Arc::clone(&outbox), tasks.stopping());
        tasks.spawn("turn writer", writing);
        Ok(Self { write, read, replica, turns, turn_writer, outbox, lock: lock.map(Arc::new) })
    }

    /// Removes the replicas that had this process's session log. Before that, no other replica does their work, such as
    /// logging the stop of a session: the session log may show that it was done.
    pub async fn remove_predecessors(&self) -> Result<(), StorageFailure> {
        if self.is_shared() { self.replica.remove_predecessors(&self.turns.log, &self.write).await } else { Ok(()) }
    }

    /// Runs the database's migrations and closes it.
    pub async fn migrate(settings: &config::Database) -> Result<(), DatabaseOpenFailure> {
        let Connections { write, read, lock: _lock, .. } = connect(settings).await?;
        read.close().await;
        write.close().await;
        Ok(())
    }

    /// Returns whether other processes may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.write, Pool::Postgres(_))
    }

    /// Returns whether the last attempt to write turns succeeded. After a failure, no new turn should start until it does.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.turn_writer.is_writable()
    }

    /// Returns whether the task that writes turns is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.turn_writer.is_running()
    }

    /// Checks that the database can be written, with an update that matches no row.
    pub async fn check(&self) -> Result<(), StorageFailure> {
        sql("UPDATE usage_totals SET requests = requests WHERE model IS NULL").execute(&self.write).await?;
        Ok(())
    }

    /// Closes the database. SQLite then copies its write-ahead log into the database file.
    pub async fn close(&self) {
        if self.is_shared()
            && let Err(failure) = self.replica.deregister(&self.write).await
        {
            let failure = ErrorChain(&failure);
            tracing::warn!(%failure, "this replica could not be removed; others take over its leases after 30 s");
        }
        self.read.close().await;
        self.write.close().await;
        // Dropping the file is not enough: a child process that is being started may hold a copy of its descriptor.
        let _ = self.lock.as_ref().map(|lock| lock.unlock());
    }
}

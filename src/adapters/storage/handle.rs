//! The handle to an open database: opening, health, and closing.

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;
use uuid::Uuid;

use super::{
    checkpoints::CheckpointTask,
    column_values::to_timestamp,
    connections::Connections,
    content_key::ContentKeyCache,
    database::Pool,
    database_time::DatabaseTime,
    failure::StorageFailure,
    file_loss::FileLoss,
    open_failure::DatabaseOpenFailure,
    outbox::{Outbox, OutboxLimits},
    outbox_destination::Destination,
    outboxes::Outboxes,
    postgres,
    replica::Replica,
    sqlite,
    statement::sql,
    turn_repository::TurnRepository,
    turn_writer::TurnWriter,
};
use crate::foundation::{
    clock::Clock,
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
    pub(super) outboxes: Outboxes,
    pub(super) time: DatabaseTime,
    pub(super) content_keys: ContentKeyCache,
    /// The checkpoints of a SQLite database, with its file, locked until the last clone is dropped or the database is
    /// closed.
    checkpoints: Option<CheckpointTask>,
}

impl Storage {
    /// Opens the database, makes a SQLite file that does not exist, and runs migrations. `log` is the id of the session
    /// log that holds the turns to be stored here, `instance` that of this process. `tasks` owns the background tasks.
    pub async fn open(
        settings: &config::Database,
        log: String,
        instance: Uuid,
        outbox_limits: OutboxLimits,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Result<Self, DatabaseOpenFailure> {
        let Connections { write, read, heartbeat, checkpoints } = connect(settings).await?;
        let replica = Replica::new(&log, instance);
        let first_use = async {
            if let Some(heartbeat) = &heartbeat {
                replica.send_heartbeat(heartbeat).await?;
                replica.count_others(heartbeat).await?;
            }
            let time = DatabaseTime::begin(&write, clock).await?;
            let outboxes = Outboxes::open(outbox_limits, &write, &read, &time).await?;
            Ok::<_, StorageFailure>((time, outboxes))
        };
        let (time, outboxes) = match first_use.await {
            Ok(opened) => opened,
            Err(failure) => {
                close(&read, &write, checkpoints.as_ref()).await;
                return Err(failure.into());
            }
        };
        // From here on nothing fails: another attempt would spawn the tasks again.
        if let Some(heartbeat) = heartbeat {
            tasks.spawn("heartbeats", replica.clone().run_heartbeats(heartbeat, tasks.stopping()));
        }
        if let Some(checkpoints) = checkpoints.clone() {
            tasks.spawn("checkpoints", checkpoints.run(tasks.stopping()));
        }
        let turns = TurnRepository { write: write.clone(), log, instance };
        let (turn_writer, writing) = TurnWriter::new(turns.clone(), outboxes.clone(), tasks.stopping());
        tasks.spawn("turn writer", writing);
        let content_keys = ContentKeyCache::new();
        Ok(Self { write, read, replica, turns, turn_writer, outboxes, time, content_keys, checkpoints })
    }

    /// Returns the outbox of a destination.
    #[must_use]
    pub fn outbox(&self, destination: Destination) -> &Outbox {
        self.outboxes.of(destination)
    }

    /// Removes the replicas that had this process's session log. Before that, no other replica does their work, such as
    /// logging the stop of a session: the session log may show that it was done.
    pub async fn remove_predecessors(&self) -> Result<(), StorageFailure> {
        if self.is_shared() { self.replica.remove_predecessors(&self.turns.log, &self.write).await } else { Ok(()) }
    }

    /// Runs the database's migrations and closes it.
    pub async fn migrate(settings: &config::Database) -> Result<(), DatabaseOpenFailure> {
        let Connections { write, read, checkpoints, .. } = connect(settings).await?;
        close(&read, &write, checkpoints.as_ref()).await;
        Ok(())
    }

    /// Returns the time by which sessions last: no change of the clock shortens or lengthens them.
    #[must_use]
    pub fn session_time(&self) -> Timestamp {
        to_timestamp(self.time.session_time())
    }

    /// Returns the time by which stored data expires: it advances while the service runs, and a clock that is set forward
    /// counts only if it stays so.
    #[must_use]
    pub fn retention_time(&self) -> Timestamp {
        to_timestamp(self.time.retention_time())
    }

    /// Advances the retention time to the clock's time, as far as that counts. To be called before data is deleted.
    pub async fn sync_retention_time(&self) -> Result<(), StorageFailure> {
        self.time.sync(&self.write).await
    }

    /// Returns whether other processes may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.write, Pool::Postgres(_))
    }

    /// Returns whether the last attempt to write turns succeeded, and the file of a SQLite database is at its place. No new
    /// turn should start otherwise.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.turn_writer.is_writable() && self.file_loss().is_none()
    }

    /// Returns the times of the transactions that store turns, in seconds.
    #[must_use]
    pub fn write_seconds(&self) -> &Histogram {
        self.turn_writer.write_seconds()
    }

    /// Returns the number of processes that use the database, with this one, as of the last few seconds.
    #[must_use]
    pub fn replicas(&self) -> u64 {
        1 + self.replica.others()
    }

    /// Returns what has happened to the file of a SQLite database if it is not at its place any more.
    #[must_use]
    pub fn file_loss(&self) -> Option<FileLoss> {
        self.checkpoints.as_ref().and_then(|checkpoints| checkpoints.file.loss())
    }

    /// Returns whether the task that writes turns is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.turn_writer.is_running()
    }

    /// Checks that the database can be written, with an update that matches no row.
    pub async fn check(&self) -> Result<(), StorageFailure> {
        if let Some(CheckpointTask { file, .. }) = &self.checkpoints {
            // Without this, a file that was lost a moment ago would look like any other failure.
            file.check();
        }
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
        close(&self.read, &self.write, self.checkpoints.as_ref()).await;
    }
}

/// Closes the connections, and last those of the checkpoints, which also release a SQLite file.
async fn close(read: &Pool, write: &Pool, checkpoints: Option<&CheckpointTask>) {
    read.close().await;
    write.close().await;
    if let Some(checkpoints) = checkpoints {
        checkpoints.close().await;
    }
}

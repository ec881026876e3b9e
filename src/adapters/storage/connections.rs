//! Opens the connections to the database that the settings name.

use std::fs::File;

use super::{checkpoints::CheckpointTask, database::Pool, open_failure::DatabaseOpenFailure, postgres, sqlite};
use crate::foundation::config::{self, DatabaseAddress};

/// The connections to a database, with what must be kept or run while it is open.
pub(super) struct Connections {
    pub(super) write: Pool,
    pub(super) read: Pool,
    /// The connection for this replica's heartbeats; only for PostgreSQL, which several replicas may share.
    pub(super) heartbeat: Option<Pool>,
    /// The task that runs checkpoints; only for SQLite.
    pub(super) checkpoints: Option<CheckpointTask>,
    /// The lock on the database; only for SQLite, which one process at a time uses.
    pub(super) lock: Option<File>,
}

impl Connections {
    /// Connects to the database and runs its migrations.
    pub(super) async fn open(settings: &config::Database) -> Result<Self, DatabaseOpenFailure> {
        match &settings.address {
            DatabaseAddress::Sqlite(address) => {
                let sqlite::Opened { write, read, checkpoints, lock } =
                    sqlite::open(address, settings.file_access).await?;
                Ok(Self { write, read, heartbeat: None, checkpoints: Some(checkpoints), lock: Some(lock) })
            }
            DatabaseAddress::Postgres(url) => {
                let postgres::Opened { pool, heartbeat } = postgres::open(url, settings).await?;
                let (write, read) = (pool.clone(), pool);
                Ok(Self { write, read, heartbeat: Some(heartbeat), checkpoints: None, lock: None })
            }
        }
    }
}

//! The connections to an open database.

use super::{checkpoints::CheckpointTask, database::Pool};

/// The connections to a database, with what must be kept or run while it is open.
pub(super) struct Connections {
    pub(super) write: Pool,
    pub(super) read: Pool,
    /// A separate connection for this replica's heartbeats, so that they are on time when the pool is busy; only for
    /// PostgreSQL, which several replicas may share.
    pub(super) heartbeat: Option<Pool>,
    /// The task that runs checkpoints, with the file, which is locked for this process: two services would deliver the
    /// outbox's records twice. Only for SQLite.
    pub(super) checkpoints: Option<CheckpointTask>,
}

//! The task that keeps the write-ahead log (WAL) of a SQLite database short, so that the database file alone holds nearly
//! everything.
//!
//! SQLite writes a commit to the log first. A checkpoint copies the log into the database file. By default SQLite runs a
//! checkpoint within a commit when the log is long, which delays turns; this task runs checkpoints on a connection of
//! its own instead.

use std::{fs, path::PathBuf, time::Duration};

use sqlx::SqlitePool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The time between two checks of the log. A copy of the database file alone may lack the commits of this time.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The number of pages that may be left for the last step of a checkpoint, during which commits wait. 256 pages are
/// 1 MiB, which takes a few milliseconds.
const MAX_BLOCKING_PAGES: i64 = 256;

/// The task that runs checkpoints.
#[derive(Debug)]
pub(super) struct CheckpointTask {
    /// A pool of one connection that only checkpoints use.
    pub(super) pool: SqlitePool,
    /// The path of the log's file.
    pub(super) wal: PathBuf,
}

impl CheckpointTask {
    /// Runs a checkpoint whenever the log's file is not empty, until the token is cancelled.
    pub(super) async fn run(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let is_empty = fs::metadata(&self.wal).is_ok_and(|data| data.len() == 0);
            if !is_empty && let Err(error) = self.checkpoint().await {
                // No data is lost: it stays in the log. A full disk is also reported where turns are written.
                tracing::debug!(%error, "a checkpoint of the database's write-ahead log failed");
            }
        }
        self.pool.close().await;
    }

    async fn checkpoint(&self) -> Result<(), sqlx::Error> {
        // A passive checkpoint blocks neither readers nor the writer.
        let (busy, pages, done): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&self.pool).await?;
        if busy == 0 && pages - done <= MAX_BLOCKING_PAGES {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await?;
        }
        Ok(())
    }
}

//! Keeps the write-ahead log of a SQLite database small, so that the file alone is nearly all of the database.
//!
//! What is committed goes to the log first. SQLite would bring it into the file during a commit, once the log is long,
//! and hold up turns meanwhile; here a connection of its own does that beside them.

use std::{fs, path::PathBuf, time::Duration};

use sqlx::SqlitePool;
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

/// How often the log is looked at. What is committed in between is what a copy of the file may lack.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// So many pages may be left for the last step, for which commits have to wait: 1 MiB, a few milliseconds.
const FEW_PAGES: i64 = 256;

/// The task that empties the log.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// One connection, apart from those of turns.
    pub(super) pool: SqlitePool,
    /// The file of the log.
    pub(super) log: PathBuf,
}

impl Checkpoints {
    /// Empties the log again and again, until this is cancelled.
    pub(super) async fn run(self, stopping: CancellationToken) {
        loop {
            select! {
                () = sleep(POLL_INTERVAL) => {}
                () = stopping.cancelled() => break,
            }
            let is_empty = fs::metadata(&self.log).is_ok_and(|data| data.len() == 0);
            if !is_empty && let Err(error) = self.empty().await {
                // A full disk, for example, of which turns hear, too; what is in the log stays there.
                tracing::debug!(%error, "the database's write-ahead log cannot be emptied yet");
            }
        }
        self.pool.close().await;
    }

    async fn empty(&self) -> Result<(), sqlx::Error> {
        // Beside readers and the writer, who goes on; none waits.
        let (busy, pages, done): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&self.pool).await?;
        if busy == 0 && pages - done <= FEW_PAGES {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await?;
        }
        Ok(())
    }
}

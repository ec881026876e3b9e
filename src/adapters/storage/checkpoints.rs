//! The task that keeps the write-ahead log (WAL) of a SQLite database short, so that the database file alone holds nearly
//! everything, and that notices when the file is taken away.
//!
//! SQLite writes a commit to the log first. A checkpoint copies the log into the database file. By default SQLite runs a
//! checkpoint within a commit when the log is long, which delays turns; this task runs checkpoints on a connection of
//! its own instead.

use std::{fs, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, SqlitePool};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{database_file::DatabaseFile, file_loss::FileLoss};

/// The time between two looks at the files. A copy of the database file alone may lack the commits of this time.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The number of pages that may be left for the last step of a checkpoint, during which commits wait. 256 pages are
/// 1 MiB, which takes a few milliseconds.
const MAX_BLOCKING_PAGES: i64 = 256;

/// The task that runs checkpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CheckpointTask {
    /// A pool of one connection that only checkpoints use. It is open as long as the database, so that SQLite does not
    /// remove the log's file meanwhile.
    pub(super) pool: SqlitePool,
    pub(super) file: Arc<DatabaseFile>,
}

impl CheckpointTask {
    /// Marks the database, and runs a checkpoint whenever the log's file is not empty, until the token is cancelled.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let mut is_marked = self.mark().await.is_ok();
        // Then the mark is in the file. If this fails, the loop tries it again.
        let _ = self.checkpoint(None).await;
        self.file.check();
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let loss = self.file.check();
            // The database was locked before.
            is_marked = is_marked || (loss.is_none() && self.mark().await.is_ok());
            let is_empty = fs::metadata(self.file.wal_path()).is_ok_and(|data| data.len() == 0);
            if !is_empty && let Err(error) = self.checkpoint(loss).await {
                // No data is lost: it stays in the log. A full disk is also reported where turns are written.
                tracing::debug!(%error, "a checkpoint of the database's write-ahead log failed");
            }
        }
    }

    /// Writes the mark of this run into the database. The next checkpoint copies it into the file's header.
    async fn mark(&self) -> Result<(), sqlx::Error> {
        let mark = i32::from_be_bytes(self.file.mark);
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {mark}"))).execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the connection, and releases the file. To be called when all others are closed.
    pub(super) async fn close(&self) {
        self.pool.close().await;
        self.file.unlock();
    }

    /// Runs a checkpoint, also if the file is not at its path any more: its content is complete then, wherever it is, and
    /// no log is left that SQLite would apply to another file at the path.
    async fn checkpoint(&self, loss: Option<FileLoss>) -> Result<(), sqlx::Error> {
        let connection = match loss {
            None => Some(self.pool.acquire().await?),
            // It would only damage the file more.
            Some(loss) if loss.is_of_content() => None,
            // A new connection would be to whatever file is at the path.
            Some(_) => self.pool.try_acquire(),
        };
        let Some(mut connection) = connection else { return Ok(()) };
        // A passive checkpoint blocks neither readers nor the writer.
        let (busy, pages, done): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut *connection).await?;
        if busy == 0 && pages - done <= MAX_BLOCKING_PAGES {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await?;
        }
        Ok(())
    }
}

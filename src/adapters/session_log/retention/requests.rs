//! Requests to compress and delete files of the session log.

use jiff::{Timestamp, civil::Date};
use tokio_util::sync::CancellationToken;

use super::{
    super::{day_files::sync_folder, event::LogDeleted, handle::SessionLog, queue::Message},
    compressed_copy::{CompressedCopy, ensure_room_for_copy},
    failure::RetentionFailure,
    file_change::FileChange,
    known_file::KnownFile,
};
use crate::foundation::blocking::run_blocking;

impl SessionLog {
    /// Fails if a file of so many bytes could not be compressed now, so that it need not be read.
    pub async fn ensure_compressible(&self, length: u64) -> Result<(), RetentionFailure> {
        self.ensure_writable()?;
        let dir = self.dir().to_owned();
        run_unless_stopped(move || Ok(ensure_room_for_copy(&dir, length)?)).await
    }

    /// Compresses the file of a past day, which has the plain name. The file stays as it is if this fails. Ends early when
    /// `stopping` is cancelled.
    pub async fn compress(&self, file: KnownFile, stopping: CancellationToken) -> Result<(), RetentionFailure> {
        self.ensure_writable()?;
        let (dir, access) = (self.dir().to_owned(), self.access());
        let copy = run_unless_stopped(move || CompressedCopy::make(&dir, file, access, &stopping)).await?;
        self.change(FileChange::Compress(copy)).await
    }

    /// Completes the compression of a day whose file is compressed but has the plain name.
    pub async fn complete_compression(&self, date: Date) -> Result<(), RetentionFailure> {
        self.change(FileChange::CompleteRename(date)).await
    }

    /// Deletes a file of a past day, after the log has the lines `events`, which declare that.
    pub async fn delete(&self, now: Timestamp, file: KnownFile, events: &[LogDeleted]) -> Result<(), RetentionFailure> {
        self.ensure_writable()?;
        let mut lines = self.lines(now);
        for event in events {
            lines.add(event);
        }
        let declaring = self.write_to_file(lines).await??;
        // After a power loss, the file must not be gone without the lines.
        let dir = self.dir().to_owned();
        let sync = move || {
            declaring.sync_all()?;
            // The file may be new, and unless each write is flushed, its entry is not on the disk.
            Ok(sync_folder(&dir)?)
        };
        run_unless_stopped(sync).await?;
        self.change(FileChange::Delete(file)).await
    }

    async fn change(&self, change: FileChange) -> Result<(), RetentionFailure> {
        let changed = self.ask(|done| Message::ChangeFile(change, done)).await;
        let (change, made) = changed.ok_or(RetentionFailure::Stopped)?;
        let dir = self.dir().to_owned();
        let synced = run_unless_stopped(move || {
            drop(change);
            Ok(sync_folder(&dir)?)
        });
        made.and(synced.await)
    }
}

/// Runs work on a thread that may block. Fails when the service stops before.
async fn run_unless_stopped<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RetentionFailure> + Send + 'static,
) -> Result<T, RetentionFailure> {
    run_blocking(work).await.unwrap_or(Err(RetentionFailure::Stopped))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read as _, Seek as _},
    };

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        adapters::session_log::LogGap,
        domain::log_chain::ChainHasher,
        foundation::{clock::Clock, file_access::FileAccess},
    };

    #[tokio::test]
    async fn written_lines_give_the_file_that_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let clock = Clock::from_fn(move || now, TimeZone::UTC);
        let hasher = ChainHasher::without_key();
        let log = SessionLog::open(dir.path(), FileAccess::Owner, false, hasher, clock).unwrap();
        let gap = |lines_refused| LogGap { since: String::new(), lines_refused };
        let mut lines = log.lines(now);
        lines.add(&gap(7));
        let mut file = log.write_to_file(lines).await.unwrap().unwrap();
        // Another file takes its place.
        fs::rename(dir.path().join("session_1970-01-01.log"), dir.path().join("rotated")).unwrap();
        log.append(now, &gap(8)).await.unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, fs::read_to_string(dir.path().join("rotated")).unwrap());
        assert!(text.contains(r#""lines_refused":7"#), "{text}");
        log.close().await;
    }
}

//! Requests to compress and delete files of the session log.

use std::{fs::File, panic};

use jiff::{Timestamp, civil::Date};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{
    super::{day_files::sync_folder, event::LogDeleted, files::day_path, handle::SessionLog, queue::Message},
    compressed_copy::{CompressedCopy, ensure_room_for_copy},
    failure::RetentionFailure,
    file_change::FileChange,
    known_file::KnownFile,
};

impl SessionLog {
    /// Fails if a file of so many bytes could not be compressed now, so that it need not be read.
    pub async fn ensure_compressible(&self, length: u64) -> Result<(), RetentionFailure> {
        self.ensure_writable()?;
        let dir = self.dir().to_owned();
        on_blocking_thread(move || Ok(ensure_room_for_copy(&dir, length)?)).await
    }

    /// Compresses the file of a past day, which has the plain name and has not been read. The file stays as it is if this
    /// fails. Ends early when `stopping` is cancelled.
    pub async fn compress(&self, file: KnownFile, stopping: CancellationToken) -> Result<(), RetentionFailure> {
        self.ensure_writable()?;
        let (dir, access) = (self.dir().to_owned(), self.access());
        let copy = on_blocking_thread(move || CompressedCopy::make(&dir, file, access, &stopping)).await?;
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
        let declaring = day_path(self.dir(), lines.date);
        self.write(lines).await?;
        // After a power loss, the file must not be gone without the lines.
        let dir = self.dir().to_owned();
        let sync = move || {
            File::open(declaring)?.sync_all()?;
            // The file may be new, and unless each write is flushed, its entry is not on the disk.
            Ok(sync_folder(&dir)?)
        };
        on_blocking_thread(sync).await?;
        self.change(FileChange::Delete(file)).await
    }

    async fn change(&self, change: FileChange) -> Result<(), RetentionFailure> {
        let changed = self.ask(|done| Message::ChangeFile(change, done)).await;
        let (change, made) = changed.ok_or(RetentionFailure::Stopped)?;
        let dir = self.dir().to_owned();
        let synced = on_blocking_thread(move || {
            drop(change);
            Ok(sync_folder(&dir)?)
        });
        made.and(synced.await)
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RetentionFailure> + Send + 'static,
) -> Result<T, RetentionFailure> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(died) => died.try_into_panic().map_or(Err(RetentionFailure::Stopped), |panic| panic::resume_unwind(panic)),
    }
}

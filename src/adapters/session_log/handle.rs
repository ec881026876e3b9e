//! The handle to the open session log.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{
    event::Event,
    failure::{LogOpenFailure, LogUnavailable},
    files::day_path,
    lines::Lines,
    queue::{Entry, Message, OnWritten, QUEUE_CAPACITY},
    reader::{self, LoggedTurn},
    writer::Writer,
};
use crate::{
    domain::log_position::LogPosition,
    foundation::{clock::Clock, file_access::FileAccess},
};

/// The open session log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionLog {
    dir: PathBuf,
    id: String,
    clock: Clock,
    writer: mpsc::Sender<Message>,
    is_writable: Arc<AtomicBool>,
}

impl SessionLog {
    /// Locks the folder for this process, repairs lines that a crash has left incomplete, and starts the writer's thread.
    /// With `sync`, a write is done when it has reached the disk. Files and folders get the permissions of `access`.
    pub fn open(dir: PathBuf, access: FileAccess, sync: bool, clock: Clock) -> Result<Self, LogOpenFailure> {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        let is_writable = Arc::new(AtomicBool::new(true));
        let (writer, id) = Writer::open(&dir, access, sync, clock.clone(), Arc::clone(&is_writable))?;
        writer.start(receiver)?;
        Ok(Self { dir, id, clock, writer: sender, is_writable })
    }

    /// Appends one event with the timestamp `now`, and returns when it is written.
    pub async fn append<E: Event>(&self, now: Timestamp, event: &E) -> Result<(), LogUnavailable> {
        let mut lines = self.lines(now);
        lines.add(event);
        self.write(lines).await
    }

    /// Returns a buffer for lines with the timestamp `now`, to be passed to [`Self::write`].
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Lines {
        let (timestamp, date) = self.clock.local(now);
        Lines::new(timestamp, date)
    }

    /// Appends lines, and returns when they are written.
    pub async fn write(&self, lines: Lines) -> Result<(), LogUnavailable> {
        self.send(lines, None).await
    }

    /// Appends lines, and returns when they are written. Before that, calls `on_written` on the writer's thread with the
    /// position after the lines, or with `None` if they could not be written. The calls come in the order of the lines and
    /// must not block.
    pub async fn write_then(
        &self,
        lines: Lines,
        on_written: impl FnOnce(Option<LogPosition>) + Send + 'static,
    ) -> Result<(), LogUnavailable> {
        self.send(lines, Some(Box::new(on_written))).await
    }

    async fn send(&self, lines: Lines, on_written: Option<OnWritten>) -> Result<(), LogUnavailable> {
        let (done, written) = oneshot::channel();
        let entry = Entry { lines, position: None, on_written, done };
        self.writer.send(Message::Append(entry)).await.map_err(|_| LogUnavailable)?;
        written.await.ok().flatten().map(|_| ()).ok_or(LogUnavailable)
    }

    /// Returns the id of the log, unique among the logs of all replicas. It is made with the log's folder and stored in it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the position at the end of today's file.
    #[must_use]
    pub fn end(&self) -> LogPosition {
        let (_, date) = self.clock.local(self.clock.now());
        let path = day_path(&self.dir, date);
        LogPosition { date, end: std::fs::metadata(path).map_or(0, |data| data.len()) }
    }

    /// Reads the turns after these positions, one position for each day. To be called before anything is written.
    pub fn turns_after(&self, positions: &[LogPosition]) -> io::Result<Vec<(LoggedTurn, LogPosition)>> {
        reader::turns_after(&self.dir, positions)
    }

    /// Fails if a write has failed and none has succeeded since. No turn should start then, because it could not be
    /// logged. The writer retries by itself.
    pub fn ensure_writable(&self) -> Result<(), LogUnavailable> {
        if self.is_writable.load(Ordering::Acquire) && self.is_alive() { Ok(()) } else { Err(LogUnavailable) }
    }

    /// Returns whether the writer's thread is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.writer.is_closed()
    }

    /// Writes what is queued, ends the writer's thread and releases the folder.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writer.send(Message::Close(done)).await.is_ok() {
            // An error means that the thread has ended already.
            let _ = closed.await;
        }
    }
}

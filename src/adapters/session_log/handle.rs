//! The handle to the open session log.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    event::{ChatLine, Event, PreviousInstance},
    failure::{LogOpenFailure, LogUnavailable},
    folder::LogFolder,
    lines::Lines,
    open_streams::{InterruptedStreams, PendingRecords},
    previous,
    queue::{Entry, Message, OnWritten, QUEUE_CAPACITY},
    reader::{self, UncountedBatch},
    refusals::{PendingRefusals, Refusal, RefusalKind},
    writer::Writer,
};
use crate::{
    domain::{
        log_chain::ChainHasher,
        log_position::{CountedLines, LogEnd},
    },
    foundation::{clock::Clock, file_access::FileAccess, write_state::WriteState},
};

/// The open session log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionLog {
    dir: PathBuf,
    access: FileAccess,
    id: String,
    instance: Uuid,
    previous: Option<Arc<PreviousInstance>>,
    clock: Clock,
    writer: mpsc::Sender<Message>,
    state: Arc<WriteState>,
    open_streams: PendingRecords,
    refusals: PendingRefusals,
}

impl SessionLog {
    /// Locks the folder for this process, repairs lines that a crash has left incomplete, and starts the writer's thread.
    /// With `sync`, a write is done when it has reached the disk. Files and folders get the permissions of `access`.
    /// `hasher` calculates the chains of the lines.
    pub fn open(
        dir: &Path,
        access: FileAccess,
        sync: bool,
        hasher: ChainHasher,
        clock: Clock,
    ) -> Result<Self, LogOpenFailure> {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        let state = Arc::new(WriteState::new("session log"));
        let folder = LogFolder::lock(dir, access)?;
        let (dir, id, instance) = (folder.dir.clone(), folder.id.clone(), folder.instance);
        let (open_streams, refusals) = (PendingRecords::default(), PendingRefusals::default());
        let (writer_clock, writer_state) = (clock.clone(), Arc::clone(&state));
        let pending = (open_streams.clone(), refusals.clone());
        let writer = Writer::open(folder, sync, hasher, writer_clock, writer_state, pending)?;
        let previous = previous::find(&dir, instance).map_err(|error| LogOpenFailure::Folder(dir.clone(), error))?;
        writer.start(receiver)?;
        let previous = previous.map(Arc::new);
        Ok(Self { dir, access, id, instance, previous, clock, writer: sender, state, open_streams, refusals })
    }

    /// Appends one event with the timestamp `now`, and returns the end of the log after it when it is written.
    pub async fn append<E: Event>(&self, now: Timestamp, event: &E) -> Result<LogEnd, LogUnavailable> {
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

    /// Appends lines, and returns the end of the log after them when they are written.
    pub async fn write(&self, lines: Lines) -> Result<LogEnd, LogUnavailable> {
        self.send(lines, None, None).await
    }

    /// Appends lines, and returns the file that has them when they are written: another one may be at its path since.
    pub(super) async fn write_to_file(&self, lines: Lines) -> Result<io::Result<File>, LogUnavailable> {
        let (sender, file) = oneshot::channel();
        self.send(lines, None, Some(sender)).await?;
        file.await.map_err(|_| LogUnavailable)
    }

    /// Appends lines, and returns when they are written. Before that, calls `on_written` on the writer's thread with the
    /// end of the log after them, or with `None` if they could not be written. The calls come in the order of the lines
    /// and must not block.
    pub async fn write_then(
        &self,
        lines: Lines,
        on_written: impl FnOnce(Option<LogEnd>) + Send + 'static,
    ) -> Result<LogEnd, LogUnavailable> {
        self.send(lines, Some(Box::new(on_written)), None).await
    }

    async fn send(
        &self,
        lines: Lines,
        on_written: Option<OnWritten>,
        file: Option<oneshot::Sender<io::Result<File>>>,
    ) -> Result<LogEnd, LogUnavailable> {
        let append = |done| Message::Append(Entry { lines, end: None, on_written, file, done });
        self.ask(append).await.flatten().ok_or(LogUnavailable)
    }

    /// Sends the writer's thread a message with the sender of its answer, and waits for it; `None` if the thread has ended.
    pub(super) async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.writer.send(message(sender)).await.ok()?;
        answer.await.ok()
    }

    /// Puts a stream that has not ended on record, or replaces its record. The next start logs the line if this process ends
    /// before the stream. [`Lines::end_stream`] ends the record. The writer's thread writes it within half a second.
    pub fn record_stream(&self, line: &ChatLine<'_>) {
        let request_id = line.request_id.to_owned();
        match serde_json::to_string(line) {
            Ok(fields) => self.open_streams.add(request_id, fields),
            Err(error) => tracing::error!(request_id, %error, "the line of an open stream could not be encoded"),
        }
    }

    /// Notes that a request for a turn was refused. The first ones of a code in a second get a line each, from what `refusal`
    /// returns, and the others are counted. Waits for nothing: the lines are written at once, the counts within a second.
    /// While the log cannot be written, requests are counted until it can.
    pub fn note_refusal(&self, kind: RefusalKind, refusal: impl FnOnce() -> Refusal) {
        if self.refusals.note(kind, self.clock.now(), refusal) {
            // If the queue is full, the writer sees the refusal with the next message.
            let _ = self.writer.try_send(Message::Wake);
        }
    }

    /// Writes all refusals that are counted so far. Those that come later are not logged.
    pub async fn end_refusals(&self) {
        // A thread that has ended writes none.
        let _ = self.ask(Message::EndRefusals).await;
    }

    /// Returns the streams that earlier processes have left on record. To be called before this process takes turns.
    pub async fn interrupted_streams(&self) -> io::Result<InterruptedStreams> {
        let streams = self.ask(Message::ReadInterrupted).await;
        streams.unwrap_or_else(|| Err(io::Error::other("the session log's writer has ended")))
    }

    /// Ends the records of interrupted streams that have a line in the log, or cannot have one.
    pub async fn end_interrupted(&self, request_ids: Vec<String>) {
        // If the thread has ended, the next start finds the lines again.
        let _ = self.ask(|done| Message::EndInterrupted(request_ids, done)).await;
    }

    /// Returns the folder of the log, without symbolic links.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the permissions of new files.
    pub(super) fn access(&self) -> FileAccess {
        self.access
    }

    /// Returns the id of the log, unique among all logs. It is made with the log's folder and stored in it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the id of this process, which all lines that it writes have as `instance`.
    #[must_use]
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// Returns the end of the log of the process that wrote to the folder before; `None` if none has.
    #[must_use]
    pub fn previous(&self) -> Option<&PreviousInstance> {
        self.previous.as_deref()
    }

    /// Reads the lines that the database does not hold, on a thread of its own. To be called before anything is written.
    pub fn uncounted_lines(&self, known: CountedLines) -> io::Result<mpsc::Receiver<io::Result<UncountedBatch>>> {
        reader::read_uncounted(self.dir.clone(), known)
    }

    /// Fails if a write has failed and none has succeeded since, or if one stands still. No turn should start then, because
    /// it could not be logged. The writer retries by itself.
    pub fn ensure_writable(&self) -> Result<(), LogUnavailable> {
        if self.state.is_writable() && self.is_alive() { Ok(()) } else { Err(LogUnavailable) }
    }

    /// Returns the times of writes of lines, in seconds.
    #[must_use]
    pub fn write_seconds(&self) -> &Histogram {
        self.state.write_seconds()
    }

    /// Returns whether the writer's thread is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.writer.is_closed()
    }

    /// Writes what is queued, ends the writer's thread and releases the folder.
    pub async fn close(&self) {
        // The thread may have ended already.
        let _ = self.ask(Message::Close).await;
    }
}

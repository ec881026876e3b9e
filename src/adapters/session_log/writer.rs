//! The thread that writes the session log's files.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::mpsc, time::timeout};
use uuid::{NoContext, Uuid};

use super::{
    day_files::DayFiles,
    event::LogGap,
    failure::LogOpenFailure,
    files::LOCK_FILE,
    lines::Lines,
    queue::{Entry, Message, QUEUE_CAPACITY},
};
use crate::{
    domain::log_position::LogPosition,
    foundation::{
        clock::Clock,
        file_access::FileAccess,
        process_lock::{self, LockFailure},
    },
};

/// The time between two attempts to write while the log cannot be written.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The capacity in bytes to which the write buffer shrinks after a larger batch.
const BUFFER_CAPACITY: usize = 1 << 20;

/// The files of the session log, and the entries to be written.
pub(super) struct Writer {
    files: DayFiles,
    clock: Clock,
    is_writable: Arc<AtomicBool>,
    /// The time of the first failed write and the number of lines not written since; `None` while the log can be written.
    gap: Option<(Timestamp, u64)>,
    batch: Vec<Entry>,
    buffer: Vec<u8>,
    /// The lock on the folder, held until the writer is dropped.
    lock: File,
}

impl Writer {
    /// Locks the folder, and repairs lines that a crash has left incomplete. Returns the writer and the log's id.
    pub(super) fn open(
        dir: &Path,
        access: FileAccess,
        sync: bool,
        clock: Clock,
        is_writable: Arc<AtomicBool>,
    ) -> Result<(Self, String), LogOpenFailure> {
        let unusable = |error| LogOpenFailure::Folder(dir.to_owned(), error);
        access.create_folder(dir).map_err(unusable)?;
        let mut lock = process_lock::lock(&dir.join(LOCK_FILE), access).map_err(|failure| match failure {
            LockFailure::Locked => LogOpenFailure::InUse(dir.to_owned()),
            LockFailure::Unusable(error) => unusable(error),
        })?;
        let files = DayFiles::new(dir.to_owned(), access, sync);
        files.repair_all().map_err(unusable)?;
        let id = read_or_make_id(&mut lock).map_err(unusable)?;
        Ok((Self { files, clock, is_writable, gap: None, batch: Vec::new(), buffer: Vec::new(), lock }, id))
    }

    /// Starts the thread. It ends after [`Message::Close`], or when all senders are dropped.
    pub(super) fn start(self, receiver: mpsc::Receiver<Message>) -> Result<(), LogOpenFailure> {
        // A separate runtime can wait with a time limit, and blocking writes on this thread delay no other task.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(LogOpenFailure::Thread)?;
        std::thread::Builder::new()
            .name("session-log".to_owned())
            .spawn(move || runtime.block_on(self.run(receiver)))
            .map_err(LogOpenFailure::Thread)?;
        Ok(())
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(QUEUE_CAPACITY);
        loop {
            let receiving = queue.recv_many(&mut messages, QUEUE_CAPACITY);
            let count =
                if self.gap.is_some() { timeout(RETRY_INTERVAL, receiving).await.ok() } else { Some(receiving.await) };
            if count == Some(0) {
                return;
            }
            if self.gap.is_some() {
                self.end_gap();
            }
            let mut closed = None;
            for message in messages.drain(..) {
                match message {
                    Message::Append(entry) => self.batch.push(entry),
                    Message::Close(done) => closed = Some(done),
                }
            }
            self.write_batch();
            if let Some(done) = closed {
                // The lock is released before the caller is answered.
                let _ = self.lock.unlock();
                drop(self);
                // The caller may have stopped waiting.
                let _ = done.send(());
                return;
            }
        }
    }

    /// Writes the batch, one day's entries at a time, and sends each caller the position.
    fn write_batch(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        for entries in batch.chunk_by_mut(|one, next| one.lines.date == next.lines.date) {
            self.write(entries);
        }
        for entry in batch.drain(..) {
            if let Some(on_written) = entry.on_written {
                on_written(entry.position);
            }
            // The caller may have stopped waiting; the line stays written.
            let _ = entry.done.send(entry.position);
        }
        self.batch = batch;
    }

    /// Writes the entries of one day. After a failed write, nothing is written until [`Self::end_gap`] succeeds.
    fn write(&mut self, entries: &mut [Entry]) {
        let date = entries[0].lines.date;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_CAPACITY);
        for entry in &*entries {
            self.buffer.extend_from_slice(&entry.lines.text);
        }
        if self.gap.is_none() {
            match self.files.append(date, &self.buffer) {
                Ok(mut end) => {
                    for entry in entries {
                        end += entry.lines.text.len() as u64;
                        entry.position = Some(LogPosition { date, end });
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the session log cannot be written; turns are refused until it can");
                    self.is_writable.store(false, Ordering::Release);
                    self.gap = Some((self.clock.now(), 0));
                }
            }
        }
        if let Some((_, lines_refused)) = &mut self.gap {
            *lines_refused += entries.iter().map(|entry| entry.lines.count).sum::<u64>();
        }
    }

    /// Attempts to write the event `log_gap`. If that succeeds, other lines can be written again.
    fn end_gap(&mut self) {
        let Some((since, lines_refused)) = self.gap else { return };
        let (timestamp, date) = self.clock.local(self.clock.now());
        let since = self.clock.rfc3339(since);
        let mut lines = Lines::new(timestamp, date);
        lines.add(&LogGap { since, lines_refused });
        if self.files.append(date, &lines.text).is_ok() {
            tracing::warn!(lines_refused, "the session log can be written again");
            self.gap = None;
            self.is_writable.store(true, Ordering::Release);
        }
    }
}

/// Reads the log's id from the lock file, or makes one and writes it there.
fn read_or_make_id(lock: &mut File) -> io::Result<String> {
    let mut id = String::new();
    lock.read_to_string(&mut id)?;
    if id.trim().is_empty() {
        id = Uuid::new_v7(uuid::Timestamp::now(NoContext)).to_string();
        writeln!(lock, "{id}")?;
    }
    Ok(id.trim().to_owned())
}

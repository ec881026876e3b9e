//! The thread that owns the log's files.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
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
    Entry, Message, OpenFailure, QUEUE,
    day_file::DayFiles,
    event::{LogGap, encode},
};
use crate::{
    domain::log_position::LogPosition,
    foundation::{
        clock::Clock,
        file_access::FileAccess,
        process_lock::{self, LockFailure},
    },
};

/// How often a log that could not be written is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// Batches up to this size are written at once; the buffer is not kept when a batch made it larger.
const BUFFER: usize = 1 << 20;

/// The file that holds the folder's lock and its id.
const LOCK: &str = ".lock";

pub(super) struct Writer {
    files: DayFiles,
    clock: Clock,
    writable: Arc<AtomicBool>,
    /// Since when, and how many lines have been refused.
    gap: Option<(Timestamp, u64)>,
    batch: Vec<Entry>,
    buffer: Vec<u8>,
    /// Held as long as the writer lives: the folder is ours.
    lock: File,
}

impl Writer {
    pub(super) fn open(
        dir: &Path,
        access: FileAccess,
        sync: bool,
        clock: Clock,
        writable: Arc<AtomicBool>,
    ) -> Result<Self, OpenFailure> {
        let unusable = |error| OpenFailure::Folder(dir.to_owned(), error);
        access.create_folder(dir).map_err(unusable)?;
        let lock = process_lock::lock(&dir.join(LOCK), access).map_err(|failure| match failure {
            LockFailure::Locked => OpenFailure::Taken(dir.to_owned()),
            LockFailure::Unusable(error) => unusable(error),
        })?;
        let files = DayFiles::new(dir.to_owned(), access, sync);
        files.mend_all().map_err(unusable)?;
        Ok(Self { files, clock, writable, gap: None, batch: Vec::new(), buffer: Vec::new(), lock })
    }

    /// The folder's id, which stands in its lock file; written there when there is none.
    pub(super) fn id(&mut self) -> Result<String, OpenFailure> {
        let mut id = String::new();
        let mut read = || {
            self.lock.read_to_string(&mut id)?;
            if id.trim().is_empty() {
                id = Uuid::new_v7(uuid::Timestamp::now(NoContext)).to_string();
                writeln!(self.lock, "{id}")?;
            }
            Ok(())
        };
        read().map_err(|error| OpenFailure::Folder(self.files.dir().to_owned(), error))?;
        Ok(id.trim().to_owned())
    }

    /// The id of a folder that may be in use; none where it has none.
    pub(super) fn id_of(dir: &Path) -> Option<String> {
        let id = std::fs::read_to_string(dir.join(LOCK)).ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// Starts the thread. It ends when it is told to, or when nobody can reach it any more.
    pub(super) fn start(self, receiver: mpsc::Receiver<Message>) -> Result<(), OpenFailure> {
        let unusable = |error| OpenFailure::Folder(PathBuf::from("(its thread)"), error);
        // A runtime of its own: waiting with a time limit, on a thread whose blocking writes disturb nobody.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(unusable)?;
        std::thread::Builder::new()
            .name("session-log".to_owned())
            .spawn(move || runtime.block_on(self.run(receiver)))
            .map_err(unusable)?;
        Ok(())
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(QUEUE);
        loop {
            let more = queue.recv_many(&mut messages, QUEUE);
            let count = if self.gap.is_some() { timeout(RETRY, more).await.ok() } else { Some(more.await) };
            if count == Some(0) {
                return;
            }
            if self.gap.is_some() {
                self.try_again();
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
                // With the writer goes the lock: the folder is free when the caller hears of it.
                let _ = self.lock.unlock();
                drop(self);
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
                return;
            }
        }
    }

    /// Writes the batch, a day's entries at a time, and tells each caller what became of its lines.
    fn write_batch(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        for entries in batch.chunk_by_mut(|one, next| one.date == next.date) {
            self.write(entries);
        }
        for entry in batch.drain(..) {
            if let Some(then) = entry.then {
                then(entry.outcome.ok());
            }
            // Whoever waited may have left; the line stays written.
            let _ = entry.done.send(entry.outcome);
        }
        self.batch = batch;
    }

    /// Writes the entries of one day. Once a write has failed, nothing is written until [`Self::try_again`] succeeds.
    fn write(&mut self, entries: &mut [Entry]) {
        let date = entries[0].date;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        for entry in &*entries {
            self.buffer.extend_from_slice(&entry.lines);
        }
        if self.gap.is_none() {
            match self.files.append(date, &self.buffer) {
                Ok(mut end) => {
                    for entry in entries {
                        end += entry.lines.len() as u64;
                        entry.outcome = Ok(LogPosition { date, end });
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the session log cannot be written; turns are refused until it can");
                    self.writable.store(false, Ordering::Release);
                    self.gap = Some((self.clock.now(), 0));
                }
            }
        }
        if let Some((_, refused)) = &mut self.gap {
            *refused += entries.iter().map(|entry| entry.count).sum::<u64>();
        }
    }

    /// Tries to write the line that tells of the gap; when that works, so will others.
    fn try_again(&mut self) {
        let Some((since, lines_refused)) = self.gap else { return };
        let (timestamp, date) = self.clock.local(self.clock.now());
        let since = self.clock.rfc3339(since);
        let mut line = Vec::new();
        encode(&mut line, &timestamp, date, &LogGap { since, lines_refused });
        if self.files.append(date, &line).is_ok() {
            tracing::warn!(lines_refused, "the session log can be written again");
            self.gap = None;
            self.writable.store(true, Ordering::Release);
        }
    }
}

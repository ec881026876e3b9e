//! The thread that writes the session log's files.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, civil};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    day_files::DayFiles,
    event::LogGap,
    failure::{LogOpenFailure, LogUnavailable},
    folder::LogFolder,
    lines::Lines,
    open_streams::{OpenStreams, PendingRecords},
    queue::{Entry, Message, QUEUE_CAPACITY},
    refusals::PendingRefusals,
    retention::{FileChange, RetentionFailure},
    stamp::Stamper,
};
use crate::{
    domain::{log_chain::ChainHasher, log_position::LogEnd},
    foundation::{clock::Clock, write_state::WriteState},
};

/// The time between two attempts to write while the log cannot be written.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The time after which the open file is compared with what was written, and records of open streams are written. Many
/// streams end meanwhile, and are not written at all.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The free space in bytes that ends a gap: room for some hundred turns.
const ROOM_AFTER_GAP: usize = 256 << 10;

/// The capacity in bytes to which the write buffer shrinks after a larger batch.
const BUFFER_CAPACITY: usize = 1 << 20;

/// The files of the session log, and the entries to be written.
pub(super) struct Writer {
    files: DayFiles,
    stamper: Stamper,
    /// The end of the lines that are written.
    end: LogEnd,
    open_streams: OpenStreams,
    refusals: PendingRefusals,
    clock: Clock,
    state: Arc<WriteState>,
    /// The time of the first failed write and the number of lines not written since; `None` while the log can be written.
    gap: Option<(Timestamp, u64)>,
    batch: Vec<Entry>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Repairs lines that a crash has left incomplete, and returns the writer for a folder.
    pub(super) fn open(
        folder: LogFolder,
        sync: bool,
        hasher: ChainHasher,
        clock: Clock,
        state: Arc<WriteState>,
        (records, refusals): (PendingRecords, PendingRefusals),
    ) -> Result<Self, LogOpenFailure> {
        let (stamper, end) = (Stamper::new(folder.instance, hasher), LogEnd::start(folder.instance));
        let files = DayFiles::new(folder, sync);
        let unusable = |error| LogOpenFailure::Folder(files.folder.dir.clone(), error);
        files.repair_all().map_err(unusable)?;
        let open_streams = OpenStreams::open(&files.folder, sync, records).map_err(unusable)?;
        let (batch, buffer) = (Vec::new(), Vec::new());
        Ok(Self { files, stamper, end, open_streams, refusals, clock, state, gap: None, batch, buffer })
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
        let mut next_check = Instant::now() + CHECK_INTERVAL;
        loop {
            let receiving = queue.recv_many(&mut messages, QUEUE_CAPACITY);
            if timeout_at(self.wake_at(next_check), receiving).await == Ok(0) {
                return;
            }
            if self.gap.is_some() {
                self.end_gap();
            }
            let (mut closed, mut refusals_ended) = (None, None);
            for message in messages.drain(..) {
                match message {
                    Message::Append(entry) => self.batch.push(entry),
                    Message::Wake => {}
                    Message::ReadInterrupted(sender) => {
                        // The caller may have stopped waiting.
                        let _ = sender.send(self.open_streams.interrupted(&mut self.files.folder));
                    }
                    Message::EndInterrupted(request_ids, done) => self.end_interrupted(&request_ids, done),
                    Message::ChangeFile(change, done) => {
                        // The caller may have stopped waiting.
                        let _ = done.send(self.change_file(change));
                    }
                    Message::EndRefusals(done) => refusals_ended = Some(done),
                    Message::Close(done) => closed = Some(done),
                }
            }
            self.write_batch();
            self.write_refusals(refusals_ended);
            if let Some(done) = closed {
                return self.close(done);
            }
            if Instant::now() >= next_check {
                self.check();
                next_check = Instant::now() + CHECK_INTERVAL;
            }
        }
    }

    /// Returns the time until which messages are waited for.
    fn wake_at(&mut self, next_check: Instant) -> Instant {
        // While nothing can be written, refusals wait, too.
        let due = if self.gap.is_some() { Some(Instant::now() + RETRY_INTERVAL) } else { self.refusals.due() };
        due.map_or(next_check, |due| due.min(next_check))
    }

    /// Compares the open file with what was written, and writes records of open streams.
    fn check(&mut self) {
        let _write = self.state.begin();
        if self.gap.is_none() {
            let (_, today) = self.clock.local(self.clock.now());
            self.files.check(today);
        }
        self.open_streams.write(&mut self.files.folder);
    }

    /// Compresses or deletes a file, unless the log cannot be written: then the disk may be gone or full.
    fn change_file(&mut self, change: FileChange) -> (FileChange, Result<(), RetentionFailure>) {
        if self.gap.is_some() {
            return (change, Err(LogUnavailable.into()));
        }
        let _write = self.state.begin();
        change.make(&mut self.files)
    }

    fn end_interrupted(&mut self, request_ids: &[String], done: oneshot::Sender<()>) {
        for request_id in request_ids {
            self.open_streams.end(request_id, true);
        }
        self.write_ends();
        // The caller may have stopped waiting.
        let _ = done.send(());
    }

    fn close(self, done: oneshot::Sender<()>) {
        let Self { files, open_streams, .. } = self;
        open_streams.close(&files.folder);
        // The lock is released before the caller is answered.
        files.folder.unlock();
        drop(files);
        // The caller may have stopped waiting.
        let _ = done.send(());
    }

    /// Writes the batch, one day's entries at a time, and sends each caller the end of the log after its lines.
    fn write_batch(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        for entries in batch.chunk_by_mut(|one, next| one.lines.date == next.lines.date) {
            self.write(entries);
        }
        self.end_streams(&batch);
        for entry in batch.drain(..) {
            if let Some(on_written) = entry.on_written {
                on_written(entry.end);
            }
            // The caller may have stopped waiting; the line stays written.
            let _ = entry.done.send(entry.end);
        }
        self.batch = batch;
    }

    /// Ends the records of the streams whose turns are in the batch. This comes before the callers count the turns: a record
    /// that is left shows that the turn isn't counted.
    fn end_streams(&mut self, batch: &[Entry]) {
        let ended = batch.iter().filter_map(|entry| Some((entry.lines.ended_stream.as_deref()?, entry.end)));
        let mut has_ended = false;
        for (request_id, end) in ended {
            self.open_streams.end(request_id, end.is_some());
            has_ended = true;
        }
        if has_ended {
            self.write_ends();
        }
    }

    fn write_ends(&mut self) {
        let _write = self.state.begin();
        self.open_streams.write_ends();
    }

    /// Writes the entries of one day. After a failed write, nothing is written until [`Self::end_gap`] succeeds.
    fn write(&mut self, entries: &mut [Entry]) {
        let date = entries[0].lines.date;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_CAPACITY);
        if self.gap.is_none() {
            let mut end = self.end;
            for entry in &mut *entries {
                end = self.stamper.stamp(&entry.lines, end, &mut self.buffer);
                entry.end = Some(end);
            }
            if self.append_buffer(date, end) {
                for file in entries.iter_mut().filter_map(|entry| entry.file.take()) {
                    // The caller may have stopped waiting.
                    let _ = file.send(self.files.share_open());
                }
                return;
            }
        }
        for entry in &mut *entries {
            entry.end = None;
        }
        if let Some((_, lines_refused)) = &mut self.gap {
            *lines_refused += entries.iter().map(|entry| entry.lines.count()).sum::<u64>();
        }
    }

    /// Appends the buffer to a day's file. `end` is the end of the log after it. Returns whether it is written; if not, a gap
    /// begins.
    fn append_buffer(&mut self, date: civil::Date, end: LogEnd) -> bool {
        let write = self.state.begin_timed();
        let appended = self.files.append(date, &self.buffer);
        drop(write);
        match appended {
            Ok(()) => self.end = end,
            Err(error) => {
                tracing::error!(%error, "the session log cannot be written; turns are refused until it can");
                self.state.set_failed(true);
                self.gap = Some((self.clock.now(), 0));
            }
        }
        self.gap.is_none()
    }

    /// Writes the refusals that are due; with `ended`, all of them. Those that cannot be written are counted.
    fn write_refusals(&mut self, ended: Option<oneshot::Sender<()>>) {
        if self.gap.is_none() {
            for batch in self.refusals.take(ended.is_some()).batches(&self.clock) {
                self.buffer.clear();
                let end = self.stamper.stamp(&batch.lines, self.end, &mut self.buffer);
                if self.gap.is_some() || !self.append_buffer(batch.lines.date, end) {
                    self.refusals.count_again(batch.counts);
                }
            }
        }
        if let Some(ended) = ended {
            self.refusals.close();
            // The caller may have stopped waiting.
            let _ = ended.send(());
        }
    }

    /// Attempts to write the event `log_gap`, and goes on writing if that succeeds. There must be room for more than this
    /// line: on a nearly full disk it would fit where the turns after it don't, and each of those would be asked, paid and
    /// refused.
    fn end_gap(&mut self) {
        let Some((since, lines_refused)) = self.gap else { return };
        let (timestamp, date) = self.clock.local(self.clock.now());
        let mut lines = Lines::new(timestamp, date);
        lines.add(&LogGap { since: self.clock.rfc3339(since), lines_refused });
        self.buffer.clear();
        let end = self.stamper.stamp(&lines, self.end, &mut self.buffer);
        if self.files.append_with_room(date, &self.buffer, ROOM_AFTER_GAP).is_ok() {
            tracing::warn!(lines_refused, "the session log can be written again");
            self.end = end;
            self.gap = None;
            self.state.set_failed(false);
        }
    }
}

//! Writes turns and the stops of sessions to the database in batches, after they have been logged.
//!
//! An event is in the session log before it comes here, so that the end of the process loses nothing: each transaction also
//! stores the position in the log up to which all events are stored, and the next start stores the events after that
//! position. One task collects the events of [`BATCH_WINDOW`] and writes them in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus_client::metrics::histogram::Histogram;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    failure::StorageFailure,
    logged_event::{LoggedEvent, PositionedEvent, is_unlogged_turn},
    outboxes::Outboxes,
    turn_repository::TurnRepository,
};
use crate::{
    domain::log_position::LogEnd,
    foundation::{error_chain::ErrorChain, write_state::WriteState},
};

/// The time for which events are collected for one transaction. A flush ends it early.
const BATCH_WINDOW: Duration = Duration::from_millis(20);

/// The time between two attempts to write turns while the database fails.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The time between two reports of one failure in the diagnostics.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// A request to write all turns now. The answer is whether all turns are written.
type Flush = oneshot::Sender<bool>;

/// A handle to the task that writes turns. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct TurnWriter {
    events: mpsc::UnboundedSender<PositionedEvent>,
    flushes: mpsc::UnboundedSender<Flush>,
    state: Arc<WriteState>,
    /// Whether an event came after the end of the task.
    has_refused: Arc<AtomicBool>,
}

impl TurnWriter {
    /// Returns the handle, and the future that must be spawned as a task. The task ends when the token is cancelled,
    /// after a last attempt to write all turns.
    pub(super) fn new(
        repository: TurnRepository,
        outboxes: Outboxes,
        stopping: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (events, queue) = mpsc::unbounded_channel();
        let (flushes, flush_queue) = mpsc::unbounded_channel();
        let state = Arc::new(WriteState::new("database"));
        let handle = Self { events, flushes, state: Arc::clone(&state), has_refused: Arc::default() };
        let (pending, flushes) = (Vec::new(), Vec::new());
        let task = WriterTask { repository, outboxes, state, pending, unlogged: 0, reported_at: None, flushes };
        (handle, task.run(queue, flush_queue, stopping))
    }

    /// Queues an event. Events are queued in the order of their lines in the log. While the database fails, they wait in
    /// memory; these are few, because no new turn starts then.
    pub(super) fn enqueue(&self, event: LoggedEvent, end: Option<LogEnd>) {
        if self.events.send((event, end)).is_err() {
            self.has_refused.store(true, Ordering::Release);
            tracing::error!("a turn is only in the session log; the next start adds it to the database");
        }
    }

    /// Waits until all turns queued before are written. Fails if they cannot be written now.
    pub(super) async fn flush(&self) -> Result<(), StorageFailure> {
        let (done, flushed) = oneshot::channel();
        // Without an answer the task has ended.
        let all_written = self.flushes.send(done).is_ok() && flushed.await.unwrap_or(false);
        if all_written { Ok(()) } else { Err(StorageFailure::TurnsNotWritten) }
    }

    /// Returns whether the last transaction succeeded and none stands still.
    pub(super) fn is_writable(&self) -> bool {
        self.state.is_writable() && self.is_running()
    }

    /// Returns the times of transactions, in seconds.
    pub(super) fn write_seconds(&self) -> &Histogram {
        self.state.write_seconds()
    }

    /// Returns whether the task is running.
    pub(super) fn is_running(&self) -> bool {
        !self.events.is_closed()
    }

    /// Returns whether the task has ended after storing all events.
    pub(super) fn has_stored_all(&self) -> bool {
        !self.is_running() && !self.state.has_failed() && !self.has_refused.load(Ordering::Acquire)
    }
}

struct WriterTask {
    repository: TurnRepository,
    outboxes: Outboxes,
    state: Arc<WriteState>,
    /// The events that are not in the database yet.
    pending: Vec<PositionedEvent>,
    /// The number of turns without a line that this process has stored.
    unlogged: u64,
    /// The time of the last report of the failure that lasts; `None` while the database can be written.
    reported_at: Option<Instant>,
    /// The flushes to answer after the next attempt.
    flushes: Vec<Flush>,
}

impl WriterTask {
    async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<PositionedEvent>,
        mut flush_queue: mpsc::UnboundedReceiver<Flush>,
        stopping: CancellationToken,
    ) {
        let mut is_stopping = false;
        while !is_stopping {
            let is_failing = !self.pending.is_empty();
            tokio::select! {
                biased;
                Some(done) = flush_queue.recv() => self.flushes.push(done),
                // The service cancels this after its turns have ended; what is queued is still written below.
                () = stopping.cancelled() => is_stopping = true,
                () = sleep(RETRY_INTERVAL), if is_failing => {}
                Some(event) = queue.recv(), if !is_failing => {
                    self.pending.push(event);
                    tokio::select! {
                        () = sleep(BATCH_WINDOW) => {}
                        Some(done) = flush_queue.recv() => self.flushes.push(done),
                        () = stopping.cancelled() => is_stopping = true,
                    }
                }
            }
            if is_stopping {
                // What is sent from now on would not be written. So sending fails.
                queue.close();
                flush_queue.close();
            }
            // Flushes are read before turns: the turns queued before a flush are then in the queue.
            while let Ok(done) = flush_queue.try_recv() {
                self.flushes.push(done);
            }
            while let Ok(event) = queue.try_recv() {
                self.pending.push(event);
            }
            self.write_pending().await;
        }
        if !self.pending.is_empty() {
            let events = self.pending.len();
            tracing::error!(
                events,
                "turns and stops are only in the session log; the next start adds them to the database"
            );
        }
    }

    /// Attempts to write the pending turns, and answers the flushes.
    async fn write_pending(&mut self) {
        if !self.pending.is_empty() {
            let outcome = self.insert_pending().await;
            self.state.set_failed(outcome.is_err());
            match outcome {
                Ok(()) => {
                    if self.reported_at.take().is_some() {
                        tracing::warn!("turns can be written to the database again");
                    }
                    self.unlogged += self.pending.iter().filter(|event| is_unlogged_turn(event)).count() as u64;
                    self.pending.clear();
                }
                Err(failure) => self.note_failure(&failure),
            }
        }
        for done in self.flushes.drain(..) {
            // The caller of the flush may have stopped waiting.
            let _ = done.send(self.pending.is_empty());
        }
    }

    fn note_failure(&mut self, failure: &StorageFailure) {
        let now = Instant::now();
        let is_known = self.reported_at.is_some_and(|at| now - at < REPORT_INTERVAL);
        // A lost file is in the diagnostics already, with what to do.
        if !is_known && !matches!(failure, StorageFailure::FileLost(_)) {
            self.reported_at = Some(now);
            let (turns, failure) = (self.pending.len(), ErrorChain(failure));
            tracing::error!(%failure, turns, "turns cannot be written to the database yet");
        }
    }

    async fn insert_pending(&self) -> Result<(), StorageFailure> {
        let was_failing = self.state.has_failed();
        let _write = self.state.begin_timed();
        let mut stored = self.outboxes.stored().await;
        self.repository.insert(&self.pending, self.unlogged, was_failing).await?;
        stored.add(&self.pending.iter().flat_map(|(event, _)| event.outbox_entries()));
        if was_failing {
            // An earlier attempt may have stored the turns, and its records may have been counted since. If this count fails,
            // a later one corrects the number.
            let _ = stored.recount(&self.repository.write).await;
        }
        Ok(())
    }
}

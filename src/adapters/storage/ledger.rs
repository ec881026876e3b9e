//! Keeps turns in the database without holding up their answers.
//!
//! A turn is in the session log before it comes here, so nothing is lost when the process dies: each transaction notes
//! up to which place in the log its turns are kept, and what stands behind that place is kept at the next start. One
//! task gathers the turns of a moment and writes them in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Outbox, StorageFailure, books::Books};
use crate::{adapters::storage::TurnRecord, domain::log_position::LogPosition};

/// How long turns are gathered for one transaction. Readers who need them sooner say so.
const BATCH_WINDOW: Duration = Duration::from_millis(20);

/// How often a database that could not be written is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// A turn to be kept, and the place in the log up to which all turns are known once it is; none for a turn that isn't
/// in the log.
pub(super) type Entry = (TurnRecord, Option<LogPosition>);

/// The way to the ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    entries: mpsc::UnboundedSender<Entry>,
    settling: mpsc::UnboundedSender<oneshot::Sender<bool>>,
    writable: Arc<AtomicBool>,
}

impl Ledger {
    /// The ledger, and the task that must run for it. The task ends when it is told to stop, with everything written
    /// that can be.
    pub(super) fn new(
        books: Books,
        outbox: Arc<Outbox>,
        stopping: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (entries, queue) = mpsc::unbounded_channel();
        let (settling, settle) = mpsc::unbounded_channel();
        let writable = Arc::new(AtomicBool::new(true));
        let this = Self { entries, settling, writable: Arc::clone(&writable) };
        let keeper = Keeper { books, outbox, writable, pending: Vec::new(), waiting: Vec::new() };
        (this, keeper.run(queue, settle, stopping))
    }

    /// Keeps a turn, soon. Turns come in the order of their lines in the log. While the database fails they wait in
    /// memory; as no turn begins then, these are few.
    pub(super) fn keep(&self, record: TurnRecord, place: Option<LogPosition>) {
        if self.entries.send((record, place)).is_err() {
            tracing::error!("a turn is only in the session log; it is kept in the database after a restart");
        }
    }

    /// Returns when all turns that came before are written; fails if they cannot be now.
    pub(super) async fn settled(&self) -> Result<(), StorageFailure> {
        let (done, settled) = oneshot::channel();
        // Without an answer the task has died.
        let all_kept = self.settling.send(done).is_ok() && settled.await.unwrap_or(false);
        if all_kept { Ok(()) } else { Err(StorageFailure::Behind) }
    }

    /// Whether the last write succeeded.
    pub(super) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Acquire) && self.is_alive()
    }

    /// Whether the task is alive.
    pub(super) fn is_alive(&self) -> bool {
        !self.entries.is_closed()
    }
}

struct Keeper {
    books: Books,
    outbox: Arc<Outbox>,
    writable: Arc<AtomicBool>,
    /// Turns not in the database yet.
    pending: Vec<Entry>,
    /// Who waits for the next attempt.
    waiting: Vec<oneshot::Sender<bool>>,
}

impl Keeper {
    async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Entry>,
        mut settle: mpsc::UnboundedReceiver<oneshot::Sender<bool>>,
        stopping: CancellationToken,
    ) {
        let mut ended = false;
        while !ended {
            let failing = !self.pending.is_empty();
            tokio::select! {
                biased;
                Some(done) = settle.recv() => self.waiting.push(done),
                // Turns have ended before this is asked for; what they left is still written.
                () = stopping.cancelled() => ended = true,
                () = sleep(RETRY), if failing => {}
                Some(entry) = queue.recv(), if !failing => {
                    self.pending.push(entry);
                    tokio::select! {
                        () = sleep(BATCH_WINDOW) => {}
                        Some(done) = settle.recv() => self.waiting.push(done),
                        () = stopping.cancelled() => ended = true,
                    }
                }
            }
            // Who asks to settle is taken in before the turns: those it asks for have come by now.
            while let Ok(done) = settle.try_recv() {
                self.waiting.push(done);
            }
            while let Ok(entry) = queue.try_recv() {
                self.pending.push(entry);
            }
            self.write().await;
        }
    }

    /// Tries to write what is pending.
    async fn write(&mut self) {
        if !self.pending.is_empty() {
            let was_failing = !self.writable.load(Ordering::Acquire);
            let outcome = self.books.keep(&self.pending, was_failing).await;
            self.writable.store(outcome.is_ok(), Ordering::Release);
            match outcome {
                Ok(()) => {
                    if self.pending.drain(..).any(|(record, _)| record.usage_record.is_some()) {
                        self.outbox.announce();
                    }
                }
                Err(failure) => {
                    let cause = std::error::Error::source(&failure).map(ToString::to_string);
                    let turns = self.pending.len();
                    tracing::error!(%failure, cause, turns, "turns cannot be kept in the database yet");
                }
            }
        }
        for done in self.waiting.drain(..) {
            // Whoever waited may have left.
            let _ = done.send(self.pending.is_empty());
        }
    }
}

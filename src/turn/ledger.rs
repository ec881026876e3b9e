//! Keeps what turns leave behind. One task writes to the database, the turns of one moment in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::delivery::Delivery;
use crate::{
    storage::{Storage, TurnRecord},
    tasks::Tasks,
};

/// Records that may wait for the database; more wait in front of it.
const QUEUE: usize = 4096;

/// Records of one transaction at the most.
const BATCH: usize = 512;

/// How often a database that could not be written is tried again.
const RETRY: Duration = Duration::from_millis(500);

type Entry = (TurnRecord, oneshot::Sender<()>);

/// The way to the ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    entries: mpsc::Sender<Entry>,
    writable: Arc<AtomicBool>,
}

impl Ledger {
    /// Starts the task. It ends when it is told to stop, with everything written that can be.
    pub(super) fn start(storage: Storage, delivery: Delivery, tasks: &Tasks) -> Self {
        let (entries, queue) = mpsc::channel(QUEUE);
        let writable = Arc::new(AtomicBool::new(true));
        let keeper =
            Keeper { storage, delivery, writable: Arc::clone(&writable), pending: Vec::new(), waiting: Vec::new() };
        tasks.spawn("turn ledger", keeper.run(queue, tasks.stopping()));
        Self { entries, writable }
    }

    /// Keeps a record, and returns when that has been tried once. A database that fails keeps nobody waiting for
    /// longer: the record stays here and is tried again.
    pub(super) async fn keep(&self, record: TurnRecord) {
        let (tried, wait) = oneshot::channel();
        if self.entries.send((record, tried)).await.is_ok() {
            // An error means that the task has died, which is seen elsewhere.
            let _ = wait.await;
        }
    }

    /// Whether the last write succeeded. While it did not, turns should not be begun: their records would pile up.
    pub(super) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Acquire) && self.is_alive()
    }

    /// Whether the task that writes is alive.
    pub(super) fn is_alive(&self) -> bool {
        !self.entries.is_closed()
    }
}

struct Keeper {
    storage: Storage,
    delivery: Delivery,
    writable: Arc<AtomicBool>,
    /// Records not in the database yet. While it fails no turn begins, so these are few.
    pending: Vec<TurnRecord>,
    /// Who waits for the next attempt.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Keeper {
    async fn run(mut self, mut queue: mpsc::Receiver<Entry>, stopping: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let told_to_stop = queue.is_closed();
            let more = queue.recv_many(&mut batch, BATCH);
            let ended = tokio::select! {
                biased;
                count = more => count == 0,
                () = tokio::time::sleep(RETRY), if !self.pending.is_empty() => false,
                () = stopping.cancelled(), if !told_to_stop => {
                    // Turns have ended before this is asked for; what they sent is still read.
                    queue.close();
                    continue;
                }
            };
            for (record, tried) in batch.drain(..) {
                self.pending.push(record);
                self.waiting.push(tried);
            }
            self.write().await;
            if ended {
                return;
            }
        }
    }

    /// Tries to write what is pending.
    async fn write(&mut self) {
        let outcome = self.storage.record_turns(&self.pending).await;
        self.writable.store(outcome.is_ok(), Ordering::Release);
        match outcome {
            Ok(()) => {
                let postings = self.pending.iter().filter(|record| record.posting.is_some()).count();
                self.delivery.added(postings);
                self.pending.clear();
            }
            Err(failure) => {
                let cause = std::error::Error::source(&failure).map(ToString::to_string);
                let turns = self.pending.len();
                tracing::error!(%failure, cause, turns, "turns cannot be kept in the database yet");
            }
        }
        for tried in self.waiting.drain(..) {
            // Whoever waited may have left.
            let _ = tried.send(());
        }
    }
}

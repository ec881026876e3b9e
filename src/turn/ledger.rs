//! Keeps what turns leave behind. One task writes to the database, the turns of one moment in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

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
    /// Starts the task. It ends when its last `Ledger` is gone or it is told to stop, with everything written that can
    /// be.
    pub(super) fn start(storage: Storage, delivery: Delivery, tasks: &Tasks) -> Self {
        let (entries, mut queue) = mpsc::channel(QUEUE);
        let writable = Arc::new(AtomicBool::new(true));
        let keeper = Keeper { storage, delivery, writable: Arc::clone(&writable) };
        let stopping = tasks.stopping();
        tasks.spawn("turn ledger", async move {
            let stop = stopping.cancelled();
            tokio::pin!(stop);
            let mut stopped = false;
            let mut batch = Vec::with_capacity(BATCH);
            loop {
                let count = tokio::select! {
                    biased;
                    count = queue.recv_many(&mut batch, BATCH) => count,
                    () = &mut stop, if !stopped => {
                        // Turns have ended before this is asked for; what they sent is still read.
                        queue.close();
                        stopped = true;
                        continue;
                    }
                };
                if count == 0 {
                    return;
                }
                keeper.write(&mut batch, stopped).await;
            }
        });
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
        self.writable.load(Ordering::Acquire) && !self.entries.is_closed()
    }
}

struct Keeper {
    storage: Storage,
    delivery: Delivery,
    writable: Arc<AtomicBool>,
}

impl Keeper {
    /// Writes a batch, however long it takes; when the service is `stopping`, only once.
    async fn write(&self, batch: &mut Vec<Entry>, stopping: bool) {
        let (records, mut waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let mut written = false;
        while !written {
            let outcome = self.storage.record_turns(&records).await;
            written = outcome.is_ok();
            self.writable.store(written, Ordering::Release);
            for tried in waiting.drain(..) {
                let _ = tried.send(());
            }
            if let Err(failure) = outcome {
                let cause = std::error::Error::source(&failure).map(ToString::to_string);
                tracing::error!(%failure, cause, turns = records.len(), "turns cannot be kept in the database yet");
                if stopping {
                    return;
                }
                tokio::time::sleep(RETRY).await;
            }
        }
        let postings = records.iter().filter(|record| record.posting.is_some()).count();
        self.delivery.added(postings);
    }
}

//! The outbox of usage records for Papita: a queue in the database, and a task that posts its records in order. Records
//! survive restarts and outages, and no request waits for them to be posted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{
        storage::{OutboxRecord, Storage, StorageFailure},
        usage::{PostFailure, UsageLog},
    },
    foundation::{clock::Clock, error_chain::ErrorChain, tasks::Tasks},
};

/// Number of records that are read at once. As many may be posted twice if the process dies before they are removed.
const BATCH_SIZE: u64 = 16;

/// Time between queries of a queue that other replicas fill, too.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Number of times that Papita may refuse a record as malformed before the record is dropped, so that it doesn't block
/// the others.
const MAX_REFUSALS: u32 = 5;

/// Longest pause between two attempts, before jitter, which may double it.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A handle to the outbox, for code that adds records. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct UsageOutbox {
    storage: Storage,
    limit: u64,
    dropped: Arc<AtomicU64>,
}

impl UsageOutbox {
    /// Starts the task that posts the records. At most `limit` records wait.
    pub(super) fn start(storage: Storage, usage_log: UsageLog, limit: u64, clock: Clock, tasks: &Tasks) -> Self {
        let sender = OutboxSender {
            storage: storage.clone(),
            usage_log,
            clock,
            counted_at: Instant::now(),
            refusals: 0,
            pauses: pauses(),
        };
        tasks.spawn("usage delivery", sender.run(tasks.stopping()));
        Self { storage, limit, dropped: Arc::default() }
    }

    /// Whether there is room for one more record. If not, the record is counted as dropped.
    pub(super) fn admit(&self) -> bool {
        let has_room = self.waiting() < self.limit;
        if !has_room && self.dropped.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000) {
            tracing::error!(limit = self.limit, "PAPITA_QUEUE_LIMIT is reached; new usage records are dropped");
        }
        has_room
    }

    /// Returns the number of records that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.storage.outbox_count()
    }

    /// Returns the number of records dropped since the start because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Posts the records of the outbox.
struct OutboxSender {
    storage: Storage,
    usage_log: UsageLog,
    clock: Clock,
    /// The time at which the records were counted last.
    counted_at: Instant,
    /// The number of times that the oldest record was refused.
    refusals: u32,
    pauses: ExponentialBackoff,
}

/// The outcome of posting a batch.
enum Batch {
    Empty,
    Posted,
    Failed,
}

impl OutboxSender {
    async fn run(mut self, stopping: CancellationToken) {
        loop {
            let batch = self.post_batch().await;
            // Records that can't be posted now wait in the database for the next start.
            if stopping.is_cancelled() {
                return;
            }
            match batch {
                Batch::Posted => {}
                Batch::Empty => tokio::select! {
                    () = self.storage.outbox_changed() => {}
                    () = tokio::time::sleep(POLL_INTERVAL), if self.storage.is_shared() => {}
                    () = stopping.cancelled() => {}
                },
                Batch::Failed => {
                    let pause = self.pauses.next().unwrap_or(MAX_PAUSE);
                    stopping.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
    }

    /// Posts the oldest records, and removes those that were posted.
    async fn post_batch(&mut self) -> Batch {
        let records = match self.next_records().await {
            Ok(records) if records.is_empty() => return Batch::Empty,
            Ok(records) => records,
            Err(failure) => {
                tracing::error!(failure = %ErrorChain(&failure), "the queue to Papita cannot be read");
                return Batch::Failed;
            }
        };
        let (done, has_failed) = self.post(&records).await;
        if !done.is_empty() {
            self.pauses = pauses();
            if let Err(failure) = self.storage.remove_outbox_records(done).await {
                tracing::error!(failure = %ErrorChain(&failure), "the queue to Papita cannot be written; records will arrive twice");
                return Batch::Failed;
            }
        }
        if has_failed { Batch::Failed } else { Batch::Posted }
    }

    /// Returns the oldest records; none if another replica holds the lease.
    async fn next_records(&mut self) -> Result<Vec<OutboxRecord>, StorageFailure> {
        if self.counted_at.elapsed() >= POLL_INTERVAL {
            self.storage.refresh_outbox_count().await?;
            self.counted_at = Instant::now();
        }
        if self.storage.try_acquire_lease("usage delivery", self.clock.now()).await? {
            self.storage.next_outbox_records(BATCH_SIZE).await
        } else {
            Ok(Vec::new())
        }
    }

    /// Posts records until one fails. Returns the records that are done, and whether one failed.
    async fn post<'a>(&mut self, records: &'a [OutboxRecord]) -> (&'a [OutboxRecord], bool) {
        for (index, record) in records.iter().enumerate() {
            match self.usage_log.post(&record.request_id, &record.body).await {
                Ok(()) => self.refusals = 0,
                Err(failure @ PostFailure::Refused(_)) if self.refusals + 1 >= MAX_REFUSALS => {
                    tracing::error!(%failure, record = record.body, "a usage record is dropped");
                    self.refusals = 0;
                }
                Err(failure) => {
                    self.refusals += u32::from(matches!(failure, PostFailure::Refused(_)));
                    tracing::warn!(%failure, waiting = self.storage.outbox_count(), "usage records wait for Papita");
                    return (&records[..index], true);
                }
            }
        }
        (records, false)
    }
}

/// Returns the pauses after failures.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(MAX_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

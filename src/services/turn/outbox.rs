//! Delivers usage records to Papita: in order, off every request's path, from a queue in the database that outlives
//! restarts and outages.

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
    foundation::{clock::Clock, tasks::Tasks},
};

/// Records read from the queue at once; so many may arrive twice when the process dies at the wrong moment.
const BATCH: u64 = 16;

/// How often a queue that other replicas fill, too, is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// So often Papita may refuse a record as malformed before it is set aside, so that it cannot block all others.
const REFUSALS: u32 = 5;

/// The longest pause between two attempts, before jitter, which may double it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The queue's bound. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct UsageOutbox {
    storage: Storage,
    limit: u64,
    dropped: Arc<AtomicU64>,
}

impl UsageOutbox {
    /// Starts to deliver what waits in the database and what will be added. At most `limit` records wait.
    pub(super) fn start(storage: Storage, usage_log: UsageLog, limit: u64, clock: Clock, tasks: &Tasks) -> Self {
        let courier = OutboxSender {
            storage: storage.clone(),
            usage_log,
            clock,
            counted: Instant::now(),
            refusals: 0,
            pauses: pauses(),
        };
        tasks.spawn("usage delivery", courier.run(tasks.stopping()));
        Self { storage, limit, dropped: Arc::default() }
    }

    /// Whether one more record may be queued. If not, it is counted as dropped.
    pub(super) fn has_room(&self) -> bool {
        let room = self.waiting() < self.limit;
        if !room && self.dropped.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000) {
            tracing::error!(limit = self.limit, "PAPITA_QUEUE_LIMIT is reached; new usage records are dropped");
        }
        room
    }

    /// How many records wait.
    pub(super) fn waiting(&self) -> u64 {
        self.storage.outbox_count()
    }

    /// How many records were dropped because too many waited, since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

struct OutboxSender {
    storage: Storage,
    usage_log: UsageLog,
    clock: Clock,
    /// When the queue was counted last.
    counted: Instant,
    /// How often the oldest record has been refused.
    refusals: u32,
    pauses: ExponentialBackoff,
}

/// What became of the oldest records.
enum Batch {
    Nothing,
    Delivered,
    Failed,
}

impl OutboxSender {
    async fn run(mut self, stopping: CancellationToken) {
        loop {
            let delivered = self.deliver_batch().await;
            // What cannot be delivered now waits in the database for the next start.
            if stopping.is_cancelled() {
                return;
            }
            match delivered {
                Batch::Delivered => self.pauses = pauses(),
                Batch::Nothing => tokio::select! {
                    () = self.storage.outbox_changed() => {}
                    () = tokio::time::sleep(POLL_INTERVAL), if self.storage.is_shared() => {}
                    () = stopping.cancelled() => {}
                },
                Batch::Failed => {
                    let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stopping.cancelled() => {}
                    }
                }
            }
        }
    }

    async fn deliver_batch(&mut self) -> Batch {
        let postings = match self.next_outbox_records().await {
            Ok(postings) if postings.is_empty() => return Batch::Nothing,
            Ok(postings) => postings,
            Err(failure) => {
                tracing::error!(%failure, "the queue to Papita cannot be read");
                return Batch::Failed;
            }
        };
        let (delivered, failed) = self.post(&postings).await;
        if !delivered.is_empty() {
            self.pauses = pauses();
            if let Err(failure) = self.storage.remove_outbox_records(delivered).await {
                tracing::error!(%failure, "the queue to Papita cannot be written; records will arrive twice");
                return Batch::Failed;
            }
        }
        if failed { Batch::Failed } else { Batch::Delivered }
    }

    /// The oldest records; none where they are another replica's duty.
    async fn next_outbox_records(&mut self) -> Result<Vec<OutboxRecord>, StorageFailure> {
        if self.counted.elapsed() >= POLL_INTERVAL {
            self.storage.refresh_outbox_count().await?;
            self.counted = Instant::now();
        }
        if self.storage.holds_lease("usage delivery", self.clock.now()).await? {
            self.storage.next_outbox_records(BATCH).await
        } else {
            Ok(Vec::new())
        }
    }

    /// Posts records until one fails. Returns those that are done with, and whether one failed.
    async fn post<'a>(&mut self, postings: &'a [OutboxRecord]) -> (&'a [OutboxRecord], bool) {
        for (index, posting) in postings.iter().enumerate() {
            match self.usage_log.post(&posting.request_id, &posting.body).await {
                Ok(()) => self.refusals = 0,
                Err(failure @ PostFailure::Refused(_)) if self.refusals + 1 >= REFUSALS => {
                    tracing::error!(%failure, record = posting.body, "a usage record is set aside");
                    self.refusals = 0;
                }
                Err(failure) => {
                    let refused = matches!(failure, PostFailure::Refused(_));
                    self.refusals += u32::from(refused);
                    tracing::warn!(%failure, waiting = self.storage.outbox_count(), "usage records wait for Papita");
                    return (&postings[..index], true);
                }
            }
        }
        (postings, false)
    }
}

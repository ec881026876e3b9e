//! The task that posts the records of an outbox to their receiver.

use std::{collections::HashMap, pin::Pin, time::Duration};

use futures_util::{StreamExt, future::OptionFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    backlog::{Backlog, Entry},
    pace::Pace,
    receiver::{FailureKind, NotAccepted, PostFailure, Receiver},
};
use crate::{
    adapters::storage::{Outbox, OutboxRecord, Storage, StorageFailure},
    foundation::{descriptors, error_chain::ErrorChain},
};

/// The shortest time between two removals of delivered records, so that many are removed in one transaction.
const REMOVAL_INTERVAL: Duration = Duration::from_millis(50);

/// The largest number of records that are being posted or were posted and are still in the database, however slow it is. If
/// the process dies, only these are posted twice.
const MAX_UNREMOVED: usize = 256;

/// The time between two looks at a database that other replicas use, too.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The time for which a lease is valid after it was acquired or renewed. It is shorter than the time after which another
/// replica may take it over.
const LEASE_DURATION: Duration = Duration::from_secs(20);

/// The pause after a failure of the database.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// The number of times that the receiver may refuse a record before the record is dropped.
const MAX_REFUSALS: u32 = 5;

/// The time between two diagnostics of the same failure.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The time for which posts still begin when the process stops.
const LAST_POSTS: Duration = Duration::from_secs(2);

/// The time for which posts go on after that. Their records are posted again after the next start.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A post that has ended.
struct Posted {
    entry: Entry,
    /// The number of slowdowns before the post began.
    slowdowns: u32,
    outcome: Result<(), NotAccepted>,
}

/// The result of an access to the database. One runs at a time, beside the posts.
enum Access {
    /// All turns that have ended are written. Contains the result of an access that was running before.
    Flushed(Option<Box<Self>>),
    /// Whether this replica may send, from a database that is shared.
    Lease(Result<bool, StorageFailure>),
    /// Records, read after a number, and the number of records that were asked for.
    Records { after: i64, limit: usize, read: Result<Vec<OutboxRecord>, StorageFailure> },
    /// The records that were to be removed.
    Removal(Removable, Result<(), StorageFailure>),
}

/// The records that are to be removed from the database.
#[derive(Debug, Default)]
struct Removable {
    ids: Vec<i64>,
    /// The number of those that were not delivered.
    dropped: u64,
}

/// Posts the records of an outbox.
pub(super) struct OutboxSender {
    storage: Storage,
    outbox: Outbox,
    receiver: Receiver,
    backlog: Backlog,
    pace: Pace,
    posts: FuturesUnordered<Boxed<Posted>>,
    access: Option<Boxed<Access>>,
    removable: Removable,
    /// The number of records that have ended and are still in the database.
    unremoved: usize,
    /// The number of records that the receiver has accepted.
    accepted: u64,
    /// Whether the database may have records that were not read.
    has_more: bool,
    /// The time until which this replica may send, if the database is shared.
    lease_end: Option<Instant>,
    lease_checked_at: Option<Instant>,
    /// The end of the pause after a failure of the database.
    database_pause: Option<Instant>,
    removed_at: Option<Instant>,
    /// The time of the last diagnostic of each failure.
    warned_at: HashMap<PostFailure, Instant>,
    /// The time after which no post begins; set when the process stops.
    last_post: Option<Instant>,
}

impl OutboxSender {
    pub(super) fn new(storage: Storage, receiver: Receiver) -> Self {
        Self {
            outbox: storage.outbox(receiver.destination()).clone(),
            storage,
            pace: Pace::new(descriptors::small_share(descriptors::limit()), receiver.may_refuse_all()),
            receiver,
            backlog: Backlog::default(),
            posts: FuturesUnordered::new(),
            access: None,
            removable: Removable::default(),
            unremoved: 0,
            accepted: 0,
            has_more: true,
            lease_end: None,
            lease_checked_at: None,
            database_pause: None,
            removed_at: None,
            warned_at: HashMap::new(),
            last_post: None,
        }
    }

    /// Posts records until the token is cancelled, and then those that can be posted at once. Others wait in the database
    /// for the next start.
    pub(super) async fn run(mut self, stopping: CancellationToken) {
        loop {
            let now = Instant::now();
            if self.last_answer().is_some_and(|end| end <= now) {
                self.posts.clear();
            }
            self.start_posts(now);
            self.start_access(now);
            if self.last_post.is_some() && self.posts.is_empty() && self.access.is_none() {
                return;
            }
            let wake = OptionFuture::from(self.next_wake(now).map(sleep_until));
            let access = OptionFuture::from(self.access.as_mut());
            tokio::select! {
                Some(posted) = self.posts.next() => self.end_post(posted),
                Some(result) = access => {
                    self.access = None;
                    self.end_access(result);
                }
                () = self.outbox.changed() => self.has_more = true,
                Some(()) = wake => {}
                () = stopping.cancelled(), if self.last_post.is_none() => self.begin_to_stop(),
            }
        }
    }

    /// Gives each record one more attempt, and writes the turns of the last moment, whose records are then read.
    fn begin_to_stop(&mut self) {
        self.last_post = Some(Instant::now() + LAST_POSTS);
        self.pace.resume();
        self.backlog.retry_all();
        let (storage, access) = (self.storage.clone(), self.access.take());
        self.access = Some(Box::pin(async move {
            let earlier = OptionFuture::from(access).await;
            // Turns that cannot be written are in the session log.
            let _ = storage.flush_turns().await;
            Access::Flushed(earlier.map(Box::new))
        }));
    }

    /// Returns the time at which running posts are given up, because the process stops.
    fn last_answer(&self) -> Option<Instant> {
        self.last_post.map(|last| last + LAST_ANSWERS)
    }

    fn may_post(&self, now: Instant) -> bool {
        let has_lease = !self.storage.is_shared() || self.lease_end.is_some_and(|end| now < end);
        has_lease && self.last_post.is_none_or(|last| now < last)
    }

    /// Returns the number of posts that may run at a time now.
    fn max_posts(&self, now: Instant) -> usize {
        self.pace.limit(now).min(MAX_UNREMOVED.saturating_sub(self.unremoved))
    }

    fn start_posts(&mut self, now: Instant) {
        while self.may_post(now) && self.posts.len() < self.max_posts(now) {
            let Some(entry) = self.backlog.take(now, self.pace.is_away()) else { return };
            if self.outbox.is_expired(&entry.record) {
                // It is removed from the database by itself, and counted as dropped then; or it is read again, because the
                // same request was repeated and waits for longer.
                self.backlog.finish(&entry);
                self.backlog.forget(&[entry.record.id]);
                self.backlog.read_again();
                self.has_more = true;
                continue;
            }
            let (receiver, slowdowns) = (self.receiver.clone(), self.pace.slowdowns());
            self.posts.push(Box::pin(async move {
                let outcome = receiver.post(&entry.record).await;
                Posted { entry, slowdowns, outcome }
            }));
        }
    }

    fn end_post(&mut self, posted: Posted) {
        let Posted { mut entry, slowdowns, outcome } = posted;
        let Err(NotAccepted { failure, wait }) = outcome else {
            self.accepted += 1;
            self.pace.succeed();
            return self.finish(&entry, 0);
        };
        let now = Instant::now();
        let kind = failure.kind();
        self.pace.fail(entry.record.id, kind, slowdowns, now);
        if let Some(wait) = wait {
            self.pace.wait(now, wait);
        }
        self.warn(failure, now);
        if kind == FailureKind::Refused && entry.note_refusal(self.accepted) >= MAX_REFUSALS {
            let (records, record) = (self.receiver.records(), self.receiver.shown(&entry.record));
            tracing::error!(%failure, record, "one of the {records} is dropped");
            return self.finish(&entry, 1);
        }
        if self.last_post.is_some() {
            self.last_post = Some(now);
        }
        let pause = entry.next_pause();
        self.backlog.put_back(entry, now + pause);
    }

    /// Ends a record that is delivered or dropped.
    fn finish(&mut self, entry: &Entry, dropped: u64) {
        self.backlog.finish(entry);
        self.removable.ids.push(entry.record.id);
        self.unremoved += 1;
        self.removable.dropped += dropped;
    }

    fn warn(&mut self, failure: PostFailure, now: Instant) {
        let is_known = |at: &Instant| now.duration_since(*at) < WARNING_INTERVAL;
        if !self.warned_at.get(&failure).is_some_and(is_known) {
            self.warned_at.insert(failure, now);
            let (records, waiting) = (self.receiver.records(), self.outbox.waiting());
            if failure.kind() == FailureKind::Gone {
                tracing::error!(%failure, waiting, "{records} wait; the receiver wants no more (410) and is tried once an hour");
            } else {
                tracing::warn!(%failure, waiting, "{records} wait");
            }
        }
    }

    /// Starts the next access to the database, if one is due and none is running.
    fn start_access(&mut self, now: Instant) {
        if self.access.is_none() && self.database_pause.is_none_or(|end| end <= now) {
            self.access = self.next_access(now);
        }
    }

    fn next_access(&mut self, now: Instant) -> Option<Boxed<Access>> {
        if self.next_removal(now).is_some_and(|due| due <= now) {
            self.removed_at = Some(now);
            return Some(self.remove());
        }
        if self.next_lease(now).is_some_and(|due| due <= now) {
            self.lease_checked_at = Some(now);
            return Some(self.acquire_lease());
        }
        let room = self.backlog.room();
        let has_more = self.has_more || self.backlog.is_rereading();
        (has_more && room > 0 && self.may_post(now)).then(|| self.read(room))
    }

    fn remove(&mut self) -> Boxed<Access> {
        let (outbox, removable) = (self.outbox.clone(), std::mem::take(&mut self.removable));
        Box::pin(async move {
            let removed = outbox.remove(&removable.ids, removable.dropped).await;
            Access::Removal(removable, removed)
        })
    }

    /// Counts the records, and acquires the lease by which one replica sends.
    fn acquire_lease(&self) -> Boxed<Access> {
        let (storage, outbox, lease) = (self.storage.clone(), self.outbox.clone(), self.receiver.lease());
        Box::pin(async move {
            let acquired = async {
                // Other replicas add and remove records, too.
                outbox.recount().await?;
                storage.try_acquire_lease(lease).await
            };
            Access::Lease(acquired.await)
        })
    }

    fn read(&mut self, limit: usize) -> Boxed<Access> {
        let (outbox, after) = (self.outbox.clone(), self.backlog.read_until());
        self.has_more = false;
        Box::pin(async move { Access::Records { after, limit, read: outbox.records(after, limit).await } })
    }

    fn end_access(&mut self, result: Access) {
        let failure = match result {
            Access::Flushed(earlier) => {
                if let Some(earlier) = earlier {
                    self.end_access(*earlier);
                }
                return self.has_more = true;
            }
            Access::Lease(Ok(has_lease)) => return self.set_lease(has_lease),
            Access::Records { after, limit, read: Ok(records) } => {
                let is_end = records.len() < limit;
                self.has_more |= !is_end;
                let entry = |record: OutboxRecord| {
                    let session = self.receiver.session_of(&record.body);
                    Entry::new(record, session)
                };
                let entries = records.into_iter().map(entry).collect();
                return self.backlog.add(after, entries, is_end);
            }
            Access::Removal(removed, Ok(())) => return self.forget(&removed.ids),
            Access::Lease(Err(failure)) => failure,
            Access::Records { read: Err(failure), .. } => {
                self.has_more = true;
                failure
            }
            Access::Removal(removable, Err(failure)) => {
                self.removable.ids.extend(removable.ids);
                self.removable.dropped += removable.dropped;
                failure
            }
        };
        tracing::error!(failure = %ErrorChain(&failure), "the queue of {} cannot be read or written", self.receiver.records());
        self.database_pause = Some(Instant::now() + DATABASE_PAUSE);
    }

    fn forget(&mut self, removed: &[i64]) {
        self.unremoved -= removed.len();
        self.backlog.forget(removed);
    }

    /// Begins to read anew: other replicas add records, too. If another replica has the lease, it sends them.
    fn set_lease(&mut self, has_lease: bool) {
        if has_lease {
            self.backlog.read_again();
        } else {
            self.backlog = Backlog::default();
        }
        self.lease_end = self.lease_checked_at.filter(|_| has_lease).map(|checked_at| checked_at + LEASE_DURATION);
        self.has_more = true;
    }

    /// Returns the time of the next removal; `None` if there is nothing to remove.
    fn next_removal(&self, now: Instant) -> Option<Instant> {
        let due = self.removed_at.map_or(now, |removed_at| removed_at + REMOVAL_INTERVAL);
        let is_last = self.last_post.is_some() && self.posts.is_empty();
        (!self.removable.ids.is_empty()).then_some(if is_last { now } else { due })
    }

    /// Returns the time at which the lease is to be acquired or renewed; `None` if the database is not shared.
    fn next_lease(&self, now: Instant) -> Option<Instant> {
        let due = self.lease_checked_at.map_or(now, |checked_at| checked_at + POLL_INTERVAL);
        (self.storage.is_shared() && self.last_post.is_none()).then_some(due)
    }

    /// Returns the time at which something is due that no other event announces.
    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let pause = self.pace.pause_end(now).filter(|_| self.backlog.is_ready(now));
        let last_answer = self.last_answer().filter(|_| !self.posts.is_empty());
        let of_posts = [pause, self.backlog.next_retry().filter(|at| *at > now), last_answer];
        let of_database = [self.next_removal(now), self.next_lease(now)].into_iter().flatten();
        let paused = self.database_pause.filter(|end| *end > now);
        let of_database = of_database.map(|due| paused.map_or(due, |end| due.max(end))).chain(paused);
        of_posts.into_iter().flatten().chain(of_database.filter(|_| self.access.is_none())).min()
    }
}

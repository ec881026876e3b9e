//! Counts in the database: the usage and the reservations of this replica are added in the background, and those of other
//! replicas are learnt from the answer.
//!
//! So a day's budget is not new after a restart, and replicas count together. A turn is in the database at most an interval and
//! one trip after its admission, also while it runs. If the process is killed, only turns that were admitted later are lost. In
//! that time, another replica may admit turns that it would have refused.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::turn_counts::TurnCounts;
use crate::{
    adapters::storage::{LimitChange, LimitCount, Storage, StorageFailure},
    domain::limits::{CountNews, LimitKey, Shared, UsageLimits, window_end},
    foundation::{config::LimitWindow, error_chain::ErrorChain},
};

/// The time between two changes of the database.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of intervals between two deletions of what is over.
const PURGE_EVERY: u32 = 60;

/// The number of counts in a transaction: other writes wait for it.
const BATCH: usize = 256;

/// A request to forget the usage of a key. The task that shares the counts does this, so that it does not share meanwhile what
/// is forgotten.
#[derive(Debug)]
pub(super) struct Reset {
    pub(super) key: LimitKey,
    /// Gets whether there was any usage.
    pub(super) done: oneshot::Sender<Result<bool, StorageFailure>>,
}

/// Takes over what the database has of the windows that go on.
pub(super) fn begin(usage: &UsageLimits, used: Vec<LimitCount>, now: Timestamp) {
    for count in used {
        if let (Some(key), Some(window)) = (LimitKey::parse(&count.counted), window_of(&count, now)) {
            usage.begin(key, window, count.amounts, now);
        }
    }
}

/// Returns the window of a count; `None` unless it goes on.
pub(super) fn window_of(count: &LimitCount, now: Timestamp) -> Option<LimitWindow> {
    let window = LimitWindow::ALL.into_iter().find(|window| window.seconds() == count.seconds)?;
    (window_end(window, now) == count.ends_at).then_some(window)
}

/// Shares the counts, and forgets usage on request, until the service stops; then shares for the last time.
pub(super) async fn run(
    counts: Arc<TurnCounts>,
    storage: Storage,
    mut resets: mpsc::Receiver<Reset>,
    stopping: CancellationToken,
) {
    let (mut is_failing, mut round) = (false, 0_u32);
    let mut is_stopping = false;
    while !is_stopping {
        let next = Instant::now() + INTERVAL;
        is_stopping = loop {
            select! {
                biased;
                () = stopping.cancelled() => break true,
                () = sleep_until(next) => break false,
                Some(Reset { key, done }) = resets.recv() => {
                    // Whoever has asked may have left.
                    let _ = done.send(reset(&counts.usage, &storage, key).await);
                }
            }
        };
        round = round.wrapping_add(1);
        let outcome = share(&counts.usage, &storage, round.is_multiple_of(PURGE_EVERY)).await;
        report(outcome, &mut is_failing);
    }
}

/// Forgets the usage of a key. Returns whether there was any.
async fn reset(usage: &UsageLimits, storage: &Storage, key: LimitKey) -> Result<bool, StorageFailure> {
    let was_stored = storage.delete_limit_counts(&key.to_string()).await?;
    Ok(usage.forget_usage(key, storage.session_time()) || was_stored)
}

/// Reports the first failure of several in a row, and their end.
fn report(outcome: Result<(), StorageFailure>, is_failing: &mut bool) {
    match (outcome, *is_failing) {
        (Err(failure), false) => {
            let failure = ErrorChain(&failure);
            tracing::warn!(%failure, "the counts of limits cannot be stored; until they can, each replica counts by itself");
            *is_failing = true;
        }
        (Ok(()), true) => {
            tracing::info!("the counts of limits can be stored again");
            *is_failing = false;
        }
        (Err(_), true) | (Ok(()), false) => {}
    }
}

async fn share(usage: &UsageLimits, storage: &Storage, should_purge: bool) -> Result<(), StorageFailure> {
    let now = storage.session_time();
    // Only other replicas need to know what a minute has: a restart takes longer than most of one.
    let windows = if storage.is_shared() { &LimitWindow::ALL[..] } else { &[LimitWindow::Day] };
    for batch in usage.news(windows, storage.is_shared(), now).chunks(BATCH) {
        match storage.change_limit_counts(batch.iter().map(|it| limit_change(it, now)).collect()).await {
            Ok(sums) => take(usage, batch, &sums, now),
            Err(failure) => {
                if failure.may_have_taken_effect() {
                    usage.assume_decreased(batch, now);
                }
                return Err(failure);
            }
        }
    }
    if should_purge { storage.purge_limit_counts().await } else { Ok(()) }
}

fn limit_change(CountNews { key, window, unshared }: &CountNews, now: Timestamp) -> LimitChange {
    let ends_at = window_end(*window, now);
    LimitChange { counted: key.to_string(), ends_at, seconds: window.seconds(), changes: unshared.changes() }
}

/// Takes over the sums that the database has after it was told of a batch.
fn take(usage: &UsageLimits, told: &[CountNews], sums: &[LimitCount], now: Timestamp) {
    let told = told.iter().map(|it| ((it.key, it.window), it.unshared)).collect::<HashMap<_, _>>();
    for sum in sums {
        if let (Some(key), Some(window)) = (LimitKey::parse(&sum.counted), window_of(sum, now)) {
            let told = told.get(&(key, window)).copied().unwrap_or_default();
            usage.share(key, Shared { window, told, sum: sum.amounts }, now);
        }
    }
}

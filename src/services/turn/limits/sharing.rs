//! Counts in the database: what was used here is added in the background, and what others have used is learnt from the answer.
//!
//! So a day's budget is not new after a restart, and replicas count together. What a process used since it last added its
//! counts is lost if it is killed. In that time, another replica may admit turns that it would have refused.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::turn_counts::TurnCounts;
use crate::{
    adapters::storage::{LimitCount, Storage, StorageFailure},
    domain::limits::{LimitKey, Shared, Unshared, UsageLimits, window_end},
    foundation::{config::LimitWindow, error_chain::ErrorChain},
};

/// The time between two additions.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of additions between two deletions of what is over.
const PURGE_EVERY: u32 = 60;

/// The number of counts in a transaction: other writes wait for it.
const BATCH: usize = 256;

/// Takes over what the database has of the windows that go on.
pub(super) fn begin(usage: &UsageLimits, used: Vec<LimitCount>, now: Timestamp) {
    for count in used {
        if let (Some(key), Some(window)) = (LimitKey::parse(&count.counted), window_of(&count, now)) {
            usage.begin(key, window, count.amounts, now);
        }
    }
}

/// Returns the window of a count; `None` unless it goes on.
fn window_of(count: &LimitCount, now: Timestamp) -> Option<LimitWindow> {
    let window = LimitWindow::ALL.into_iter().find(|window| window.seconds() == count.seconds)?;
    (window_end(window, now) == count.ends_at).then_some(window)
}

/// Shares the counts until the service stops, and then for the last time.
pub(super) async fn run(counts: Arc<TurnCounts>, storage: Storage, stopping: CancellationToken) {
    let (mut is_failing, mut round) = (false, 0_u32);
    let mut is_stopping = false;
    while !is_stopping {
        is_stopping = stopping.run_until_cancelled(sleep(INTERVAL)).await.is_none();
        round = round.wrapping_add(1);
        let outcome = share(&counts.usage, &storage, round.is_multiple_of(PURGE_EVERY)).await;
        report(outcome, &mut is_failing);
    }
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
    for batch in usage.unshared(windows, now).chunks(BATCH) {
        let totals = storage.add_limit_counts(batch.iter().map(|it| limit_count(it, now)).collect()).await?;
        take(usage, batch, &totals, now);
    }
    if should_purge { storage.purge_limit_counts().await } else { Ok(()) }
}

fn limit_count(Unshared { key, window, amounts }: &Unshared, now: Timestamp) -> LimitCount {
    let ends_at = window_end(*window, now);
    LimitCount { counted: key.to_string(), ends_at, seconds: window.seconds(), amounts: *amounts }
}

/// Takes over what the database has after an addition.
fn take(usage: &UsageLimits, added: &[Unshared], totals: &[LimitCount], now: Timestamp) {
    let added = added.iter().map(|it| ((it.key, it.window), it.amounts)).collect::<HashMap<_, _>>();
    for total in totals {
        if let (Some(key), Some(window)) = (LimitKey::parse(&total.counted), window_of(total, now)) {
            let added = added.get(&(key, window)).copied().unwrap_or_default();
            usage.share(key, Shared { window, added, total: total.amounts }, now);
        }
    }
}

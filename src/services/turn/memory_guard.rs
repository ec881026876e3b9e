//! The task that keeps the journals within their memory.
//!
//! Journals of ended turns go first, the earliest before others. If that is not enough, the readers that stand still are
//! cut off, those that are furthest behind first: their connections end as if the network had failed, and they can resume
//! their streams. A turn goes on without a reader for its grace period, and is logged however it ends.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::registry::Registry;

/// The time between two looks at the readers. One that reads nothing for so long while text waits for it stands still.
const INTERVAL: Duration = Duration::from_millis(500);

/// Keeps the journals within their memory until `stopping` is cancelled.
pub(super) async fn run(registry: Arc<Registry>, stopping: CancellationToken) {
    let guard = async {
        loop {
            registry.memory().wait_for_excess().await;
            free(&registry);
            sleep(INTERVAL).await;
        }
    };
    stopping.run_until_cancelled(guard).await;
}

fn free(registry: &Registry) {
    registry.drop_ended();
    let journals = registry.journals();
    let mut slow = journals.iter().flat_map(|journal| journal.slow_readers()).collect::<Vec<_>>();
    // What is freed when the grace period of turns that nobody reads is over.
    let freed = journals.iter().filter(|journal| journal.is_cut_off()).map(|journal| journal.memory_size());
    let mut excess = registry.memory().excess().saturating_sub(freed.sum());
    slow.sort_unstable_by_key(|reader| reader.behind);
    let mut cut_off = 0;
    while excess > 0
        && let Some(reader) = slow.pop()
    {
        reader.cut_off();
        excess = excess.saturating_sub(reader.journal_size);
        cut_off += 1;
    }
    if cut_off > 0 {
        tracing::warn!(
            cut_off,
            "clients that read their streams too slowly were disconnected, because STREAM_MEMORY is used up; they can resume"
        );
    }
}

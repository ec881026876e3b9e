//! The end of events that could not be sent for days.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::storage::{Storage, StorageFailure},
    foundation::error_chain::ErrorChain,
};

/// The time between two looks for such events.
const INTERVAL: Duration = Duration::from_mins(10);

/// Removes events that are too old to be sent, until the token is cancelled. This is also done if no events are sent any more.
pub(in crate::services::turn) async fn run_expiry(storage: Storage, stopping: CancellationToken) {
    loop {
        match expire(&storage).await {
            Ok(0) => {}
            Ok(events) => tracing::error!(events, "events were dropped, because they could not be sent for three days"),
            Err(failure) => {
                tracing::warn!(failure = %ErrorChain(&failure), "old events cannot be removed; trying again later");
            }
        }
        if stopping.run_until_cancelled(sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

async fn expire(storage: &Storage) -> Result<u64, StorageFailure> {
    storage.sync_retention_time().await?;
    storage.expire_events().await
}

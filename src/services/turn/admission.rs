//! Admission of turns: whether a turn may start now.

use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{failure::TurnFailure, permits::Permits};
use crate::adapters::{session_log::SessionLog, storage::Storage};

/// Admits turns while the service is not stopping, session log and database can be written, and there are permits.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Permits,
    log: SessionLog,
    storage: Storage,
    draining: CancellationToken,
}

impl Admission {
    /// Admits turns until `draining` is cancelled.
    pub(super) fn new(permits: Permits, log: SessionLog, storage: Storage, draining: CancellationToken) -> Self {
        Self { permits, log, storage, draining }
    }

    /// Fails if a turn would be refused now.
    pub(super) fn check(&self) -> Result<(), TurnFailure> {
        if self.draining.is_cancelled() {
            return Err(TurnFailure::Stopping);
        }
        self.log.ensure_writable().map_err(|_| TurnFailure::LogUnavailable)?;
        if !self.storage.is_writable() {
            return Err(TurnFailure::StorageUnavailable);
        }
        self.permits.check()
    }

    /// Waits for a permit, which the turn holds as long as it runs.
    pub(super) async fn acquire(&self) -> Result<SemaphorePermit<'_>, TurnFailure> {
        self.permits.acquire().await
    }

    /// Returns the permits, for the metrics.
    pub(super) fn permits(&self) -> &Permits {
        &self.permits
    }
}

//! Admission of turns: whether a turn may start now.

use std::{future::pending, sync::Arc};

use tokio::select;
use tokio_util::sync::CancellationToken;

use super::{failure::TurnFailure, permits::Permits};
use crate::{
    adapters::{session_log::SessionLog, storage::Storage},
    domain::{
        fair_permits::FairPermit,
        limits::Asker,
        tenant::{SpendingPause, Tenant},
    },
};

/// Admits turns while the service is not stopping, session log and database can be written, and there are permits.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Arc<Permits>,
    log: SessionLog,
    storage: Storage,
    draining: CancellationToken,
    spending: Arc<SpendingPause>,
}

impl Admission {
    /// Admits turns until `draining` is cancelled.
    pub(super) fn new(
        permits: Arc<Permits>,
        log: SessionLog,
        storage: Storage,
        draining: CancellationToken,
        spending: Arc<SpendingPause>,
    ) -> Self {
        Self { permits, log, storage, draining, spending }
    }

    /// Fails if all spending is paused, or the site of whoever asks.
    pub(super) fn ensure_not_paused(&self, asker: &Asker) -> Result<(), TurnFailure> {
        let is_paused = self.spending.is_set() || asker.site().is_some_and(|site| site.pause.by().any());
        if is_paused { Err(TurnFailure::SitePaused) } else { Ok(()) }
    }

    /// Waits until all spending is paused, or the site on whose behalf a visitor asks.
    pub(super) async fn paused(&self, tenant: Option<&Tenant>) {
        let site_paused = async {
            match tenant.and_then(Tenant::site) {
                Some(site) => site.pause.begun().await,
                None => pending().await,
            }
        };
        select! {
            () = self.spending.begun() => {}
            () = site_paused => {}
        }
    }

    /// Whether a turn would not have to wait for a permit now.
    pub(super) fn has_free_permit(&self, asker: &Asker) -> bool {
        self.permits.has_free(asker)
    }

    /// Fails if a turn would be refused now.
    pub(super) fn check(&self, asker: &Asker) -> Result<(), TurnFailure> {
        if self.draining.is_cancelled() {
            return Err(TurnFailure::Stopping);
        }
        self.ensure_recordable()?;
        self.permits.check(asker)
    }

    /// Waits for a permit. Fails if the turn could no longer be recorded when it has one.
    pub(super) async fn acquire_permit(&self, asker: &Asker) -> Result<FairPermit, TurnFailure> {
        let permit = self.permits.acquire(asker).await?;
        self.ensure_recordable()?;
        Ok(permit)
    }

    fn ensure_recordable(&self) -> Result<(), TurnFailure> {
        self.log.ensure_writable().map_err(|_| TurnFailure::LogUnavailable)?;
        if self.storage.is_writable() { Ok(()) } else { Err(TurnFailure::StorageUnavailable) }
    }
}

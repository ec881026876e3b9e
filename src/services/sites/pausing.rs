//! How sites, and all spending, are paused and resumed.

use std::sync::Arc;

use super::{Sites, pauses::Pausable};
use crate::{
    adapters::storage::StorageFailure,
    domain::tenant::{Site, TenantName},
    foundation::error_chain::ErrorChain,
};

impl Sites {
    /// Pauses a site: turns that run are stopped, and no more start; here at once, and at other replicas within about a second.
    /// Returns the site if there is one. If the pause cannot be stored, it is in force here until this process ends.
    pub async fn pause(&self, id: TenantName) -> Result<Option<Arc<Site>>, StorageFailure> {
        let Some(site) = self.get(id) else { return Ok(None) };
        self.0.pauses.add_unstored(Pausable::Site(id));
        site.pause.set_by_operator(true);
        self.0.pauses.store(Pausable::Site(id), true).await?;
        Ok(Some(site))
    }

    /// Ends the operator's pause of a site. Returns the site if there is one.
    pub async fn resume(&self, id: TenantName) -> Result<Option<Arc<Site>>, StorageFailure> {
        let Some(site) = self.get(id) else { return Ok(None) };
        self.0.pauses.store(Pausable::Site(id), false).await?;
        site.pause.set_by_operator(false);
        Ok(Some(site))
    }

    /// Whether all spending is paused.
    #[must_use]
    pub fn is_spending_paused(&self) -> bool {
        self.0.pauses.spending.is_set()
    }

    /// Pauses all spending, as [`Self::pause`] pauses a site.
    pub async fn pause_spending(&self) -> Result<(), StorageFailure> {
        self.0.pauses.add_unstored(Pausable::All);
        self.0.pauses.spending.set(true);
        self.0.pauses.store(Pausable::All, true).await
    }

    /// Ends the pause of all spending. Sites that are paused stay so.
    pub async fn resume_spending(&self) -> Result<(), StorageFailure> {
        self.0.pauses.store(Pausable::All, false).await?;
        self.0.pauses.spending.set(false);
        Ok(())
    }

    /// Takes over the pauses that other replicas have stored; `is_failing` is whether that has failed the last time.
    pub(super) async fn take_over_pauses(&self, is_failing: &mut bool) {
        let pauses = &self.0.pauses;
        if !pauses.are_shared() {
            return;
        }
        let outcome = pauses.take_over().await;
        if let Err(failure) = &outcome
            && !*is_failing
        {
            tracing::warn!(failure = %ErrorChain(failure), "the pauses cannot be read; those that are known stay");
        }
        *is_failing = outcome.is_err();
        let is_paused = pauses.contain(Pausable::All);
        if pauses.spending.is_set() != is_paused {
            pauses.spending.set(is_paused);
            tracing::info!(is_paused, "another replica has paused or resumed all spending");
        }
        for site in self.all() {
            let is_paused = pauses.contain(Pausable::Site(site.settings.id));
            if site.pause.by().operator != is_paused {
                site.pause.set_by_operator(is_paused);
                tracing::info!(site = %site.settings.id, is_paused, "another replica has paused or resumed a site");
            }
        }
    }
}

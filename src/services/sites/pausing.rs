//! How sites are paused and resumed.

use super::Sites;
use crate::{adapters::storage::StorageFailure, domain::tenant::TenantName, foundation::error_chain::ErrorChain};

impl Sites {
    /// Pauses a site: turns that run are stopped, and no more start; here at once, and at other replicas within about a second.
    /// Returns whether there is such a site. If the pause cannot be stored, it is in force here until this process ends.
    pub async fn pause(&self, id: TenantName) -> Result<bool, StorageFailure> {
        self.change_pause(id, true).await
    }

    /// Ends the operator's pause of a site. Returns whether there is such a site.
    pub async fn resume(&self, id: TenantName) -> Result<bool, StorageFailure> {
        self.change_pause(id, false).await
    }

    async fn change_pause(&self, id: TenantName, is_paused: bool) -> Result<bool, StorageFailure> {
        let Some(site) = self.get(id) else { return Ok(false) };
        let pauses = &self.0.pauses;
        pauses.count_change();
        if is_paused {
            pauses.set(id, true);
            site.pause.set_by_operator(true);
        }
        let stored = if is_paused {
            pauses.storage.pause_site(id.as_str()).await
        } else {
            pauses.storage.resume_site(id.as_str()).await
        };
        if stored.is_ok() && !is_paused {
            pauses.set(id, false);
            site.pause.set_by_operator(false);
        }
        pauses.count_change();
        stored.map(|()| true)
    }

    /// Takes over the pauses that other replicas have stored; `is_failing` is whether that has failed the last time.
    pub(super) async fn take_over_pauses(&self, is_failing: &mut bool) {
        let pauses = &self.0.pauses;
        if !pauses.storage.is_shared() {
            return;
        }
        let outcome = pauses.take_over().await;
        if let Err(failure) = &outcome
            && !*is_failing
        {
            tracing::warn!(failure = %ErrorChain(failure), "the pauses of sites cannot be read; those that are known stay");
        }
        *is_failing = outcome.is_err();
        for site in self.all() {
            let is_paused = pauses.contain(site.settings.id);
            if site.pause.by().operator != is_paused {
                site.pause.set_by_operator(is_paused);
                tracing::info!(site = %site.settings.id, is_paused, "another replica has paused or resumed a site");
            }
        }
    }
}

//! Whether Papita exists at its address, as far as its responses show.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::papita::FetchFailure;

/// The known facts about the existence of Papita, from the settings and from its responses.
#[derive(Debug)]
pub(super) struct PapitaPresence {
    is_configured: bool,
    /// Whether Papita has ever answered.
    was_found: watch::Sender<bool>,
    /// Whether the last call failed.
    is_failing: AtomicBool,
    /// Whether the last call found no Papita at its default address.
    is_absent: AtomicBool,
}

impl PapitaPresence {
    /// Creates the state at the start. `was_found` says whether Papita has answered before this start of the service.
    pub(super) fn new(is_configured: bool, was_found: bool) -> Self {
        Self {
            is_configured,
            was_found: watch::Sender::new(was_found),
            is_failing: AtomicBool::new(false),
            is_absent: AtomicBool::new(false),
        }
    }

    /// Whether the operator configured Papita's address.
    pub(super) fn is_configured(&self) -> bool {
        self.is_configured
    }

    /// Whether Papita has ever answered.
    pub(super) fn was_found(&self) -> bool {
        *self.was_found.borrow()
    }

    /// Whether the last call failed.
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Whether no Papita was configured, and none answers at the default address. False before the first call.
    pub(super) fn is_absent(&self) -> bool {
        self.is_absent.load(Ordering::Relaxed)
    }

    /// Whether Papita should exist: its address is configured, or it has answered.
    pub(super) fn is_expected(&self) -> bool {
        self.is_configured || self.was_found()
    }

    /// Waits until Papita has answered for the first time.
    pub(super) async fn wait_until_found(&self) {
        // The sender exists as long as `self`, so this cannot fail.
        let _ = self.was_found.subscribe().wait_for(|was_found| *was_found).await;
    }

    /// Records the result of a call for the key with this name: a failure, or `None` for a success.
    pub(super) fn record(&self, name: &str, failure: Option<FetchFailure>) {
        if failure.is_none_or(FetchFailure::is_from_papita) {
            self.was_found.send_if_modified(|was_found| !std::mem::replace(was_found, true));
        }
        let may_be_absent = failure.is_some_and(FetchFailure::may_be_another_server);
        self.is_failing.store(failure.is_some(), Ordering::Relaxed);
        self.is_absent.store(may_be_absent && !self.is_expected(), Ordering::Relaxed);
        if let Some(failure) = failure
            && self.is_expected()
        {
            tracing::warn!(
                %failure,
                name,
                "Papita returned no API key; check PAPITA_API_URL and the key of this name that is stored in Papita"
            );
        }
    }
}

//! The pause of a site, or of all spending: no turns start, and those that run are stopped.

use tokio::sync::watch;

/// Whether a site is paused, and by whom.
#[derive(Debug)]
pub struct SitePause(watch::Sender<PausedBy>);

/// By whom a site is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PausedBy {
    /// By `paused = true` in the configuration file.
    pub file: bool,
    /// By the operator, at an endpoint.
    pub operator: bool,
}

impl PausedBy {
    /// Whether the site is paused by either.
    #[must_use]
    pub fn any(self) -> bool {
        self.file || self.operator
    }
}

impl SitePause {
    /// Creates the pause of a site.
    #[must_use]
    pub fn new(by: PausedBy) -> Self {
        Self(watch::Sender::new(by))
    }

    /// Returns by whom the site is paused.
    #[must_use]
    pub fn by(&self) -> PausedBy {
        *self.0.borrow()
    }

    /// Sets whether the configuration file pauses the site.
    pub fn set_by_file(&self, is_paused: bool) {
        self.0.send_modify(|by| by.file = is_paused);
    }

    /// Sets whether the operator pauses the site.
    pub fn set_by_operator(&self, is_paused: bool) {
        self.0.send_modify(|by| by.operator = is_paused);
    }

    /// Waits until the site is paused; not at all if it is.
    pub async fn begun(&self) {
        // The sender is not dropped meanwhile.
        let _ = self.0.subscribe().wait_for(|by| by.any()).await;
    }
}

/// Whether the operator has paused all spending.
#[derive(Debug, Default)]
pub struct SpendingPause(watch::Sender<bool>);

impl SpendingPause {
    /// Returns whether all spending is paused.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Pauses all spending, or ends the pause.
    pub fn set(&self, is_paused: bool) {
        self.0.send_replace(is_paused);
    }

    /// Waits until all spending is paused; not at all if it is.
    pub async fn begun(&self) {
        // The sender is not dropped meanwhile.
        let _ = self.0.subscribe().wait_for(|is_paused| *is_paused).await;
    }
}

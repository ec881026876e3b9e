//! One admitted attempt to verify a password.

use tokio::time::Instant;

use super::failures::{Failures, Places};

/// The permission to verify one password.
#[derive(Debug)]
pub(in crate::services::accounts) struct Attempt {
    failures: Failures,
    places: Places,
    /// Whether whoever tries is known as the owner of the account.
    pub(in crate::services::accounts) is_known: bool,
    /// The time by which verification has to begin.
    pub(in crate::services::accounts) deadline: Instant,
}

impl Attempt {
    pub(super) fn new(failures: Failures, places: Places, is_known: bool, deadline: Instant) -> Self {
        Self { failures, places, is_known, deadline }
    }

    /// Ends the attempt with the right password. Earlier failures of the pair were then the owner's own, and are cleared.
    pub(in crate::services::accounts) fn succeed(self) {
        self.failures.clear_pair();
    }

    /// Ends the attempt with a wrong password, and counts it.
    pub(in crate::services::accounts) fn fail(self) {
        self.failures.add(self.places);
    }
}

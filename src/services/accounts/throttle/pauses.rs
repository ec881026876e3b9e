//! The pause before an attempt, by the number of failures before it.

use std::time::Duration;

/// The first pause.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause. Two of them take less time than an attempt may take in all.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The pauses after failures for one account, also from one address.
pub(super) const PER_ACCOUNT: Pauses = Pauses { free_failures: 5, failures_per_doubling: 1, least_at_once: 1 };

/// The pauses after failures from one address, which a whole school may share.
pub(super) const PER_ADDRESS: Pauses = Pauses { free_failures: 20, failures_per_doubling: 10, least_at_once: 5 };

/// The pauses after failures from an IPv6 network of 48 bits, which one client or all customers of a provider may have.
pub(super) const PER_NETWORK: Pauses = Pauses { free_failures: 100, failures_per_doubling: 50, least_at_once: 10 };

/// Pauses that grow exponentially with the number of failures, up to [`MAX_PAUSE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// The number of failures without a pause.
    pub(super) free_failures: u32,
    /// The number of further failures that double the pause.
    pub(super) failures_per_doubling: u32,
    /// The number of attempts at once that is allowed after any number of failures.
    pub(super) least_at_once: u32,
}

impl Pauses {
    /// Returns how many attempts may be made at once after a number of failures: those that may fail without a pause.
    pub(super) fn at_once(self, failures: u32) -> u32 {
        self.free_failures.saturating_sub(failures).max(self.least_at_once)
    }

    /// Returns the pause after a number of failures.
    pub(super) fn after(self, failures: u32) -> Duration {
        match failures.checked_sub(self.free_failures) {
            None => Duration::ZERO,
            Some(further) => {
                let doublings = (further / self.failures_per_doubling).min(16);
                FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_grow_up_to_a_maximum(failures: u32, free_failures in 0..100_u32, failures_per_doubling in 1..100_u32) {
            let pauses = Pauses { free_failures, failures_per_doubling, least_at_once: 1 };
            let pause = pauses.after(failures);
            prop_assert_eq!(pause.is_zero(), failures < free_failures);
            prop_assert!(pause <= MAX_PAUSE && pause <= pauses.after(failures.saturating_add(1)));
        }
    }
}

//! The failed attempts that an attempt depends on: of its account, of its address, of both together, and of its network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    group::{Group, Place},
    pauses::PER_ACCOUNT,
};

/// The failures that delay one attempt.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) pair: Arc<Pair>,
    pub(super) account: Arc<AtomicU32>,
    pub(super) address: Arc<Group>,
    pub(super) network: Arc<Group>,
}

/// The attempts on one account from one address.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) group: Arc<Group>,
    /// The number of failures that count for the address and its network, too.
    shared: AtomicU32,
}

/// The places of an attempt that is being made.
#[derive(Debug)]
pub(super) struct Places {
    pair: Place,
    /// In the address and in its network; `None` for the known owner of an account.
    shared: Option<[Place; 2]>,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self { group: Arc::new(Group::new(PER_ACCOUNT)), shared: AtomicU32::new(0) }
    }
}

impl Failures {
    /// Returns the pause before an attempt. The known owner waits only for failures of the same name and address.
    pub(super) fn pause(&self, is_known: bool) -> Duration {
        let own = self.pair.group.pause();
        if is_known {
            return own;
        }
        let account = PER_ACCOUNT.after(self.account.load(Relaxed));
        own.max(account).max(self.address.pause()).max(self.network.pause())
    }

    /// Waits until one more attempt may be made. Returns `None` at once if that would take longer than `longest`.
    pub(super) async fn enter(&self, is_known: bool, longest: Duration) -> Option<Places> {
        let pair = self.pair.group.enter(self.pause(is_known), longest).await?;
        if is_known {
            return Some(Places { pair, shared: None });
        }
        let address = self.address.enter(self.pause(false), longest).await?;
        let network = self.network.enter(self.pause(false), longest).await?;
        Some(Places { pair, shared: Some([address, network]) })
    }

    /// Counts a wrong password.
    pub(super) fn add(&self, places: Places) {
        self.account.fetch_add(1, Relaxed);
        if let Some(shared) = places.shared {
            self.pair.shared.fetch_add(1, Relaxed);
            shared.into_iter().for_each(Place::fail);
        }
        places.pair.fail();
    }

    /// Removes the failures of the pair from all counts.
    pub(super) fn clear_pair(&self) {
        let (cleared, shared) = (self.pair.group.clear(), self.pair.shared.swap(0, Relaxed));
        self.address.forgive(shared);
        self.network.forgive(shared);
        // Cannot fail: the closure always returns a number.
        let _ = self.account.fetch_update(Relaxed, Relaxed, |failures| Some(failures.saturating_sub(cleared)));
    }
}

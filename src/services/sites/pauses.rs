//! Pauses of sites and of all spending by the operator. They are in the database, from which replicas and later processes take them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    adapters::storage::{Storage, StorageFailure},
    domain::tenant::{SpendingPause, TenantName},
};

/// What stands for all spending in the database. No site has this id.
const ALL: &str = "*";

/// What the operator can pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pausable {
    /// All spending.
    All,
    /// A site, also one that is not in the configuration file.
    Site(TenantName),
}

/// What the operator has paused.
#[derive(Debug)]
pub struct OperatorPauses {
    storage: Storage,
    /// The pause of all spending, which turns look at.
    pub(super) spending: Arc<SpendingPause>,
    paused: Mutex<Paused>,
    /// The number of changes by this process, begun and ended. What was read of the database before one of them is outdated.
    changes: AtomicU64,
}

#[derive(Debug)]
struct Paused {
    /// Those that the database has.
    stored: BTreeSet<Pausable>,
    /// Those of this process that the database does not have: they are being stored, or could not be.
    unstored: BTreeSet<Pausable>,
}

impl OperatorPauses {
    /// Begins with the pauses that the database has.
    #[must_use]
    pub fn new(storage: Storage, paused: &[String], spending: Arc<SpendingPause>) -> Self {
        let paused = Paused { stored: parse(paused), unstored: BTreeSet::new() };
        spending.set(paused.stored.contains(&Pausable::All));
        Self { storage, spending, paused: Mutex::new(paused), changes: AtomicU64::default() }
    }

    /// Whether other replicas use the same database.
    pub(super) fn are_shared(&self) -> bool {
        self.storage.is_shared()
    }

    /// Whether the operator has paused this.
    pub(super) fn contain(&self, part: Pausable) -> bool {
        let paused = self.paused();
        paused.stored.contains(&part) || paused.unstored.contains(&part)
    }

    /// Adds a pause that is in force here before it is stored, and also if it cannot be.
    pub(super) fn add_unstored(&self, part: Pausable) {
        self.paused().unstored.insert(part);
    }

    /// Stores a pause, or its end.
    pub(super) async fn store(&self, part: Pausable, is_paused: bool) -> Result<(), StorageFailure> {
        self.changes.fetch_add(1, Ordering::SeqCst);
        let stored = if is_paused {
            self.storage.pause_site(part.as_str()).await
        } else {
            self.storage.resume_site(part.as_str()).await
        };
        if stored.is_ok() {
            let mut paused = self.paused();
            paused.unstored.remove(&part);
            if is_paused {
                paused.stored.insert(part);
            } else {
                paused.stored.remove(&part);
            }
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
        stored
    }

    /// Takes over the pauses that the database has, unless this process has changed some meanwhile.
    pub(super) async fn take_over(&self) -> Result<(), StorageFailure> {
        let before = self.changes.load(Ordering::SeqCst);
        let found = parse(&self.storage.paused_sites().await?);
        let mut paused = self.paused();
        if self.changes.load(Ordering::SeqCst) == before {
            paused.stored = found;
        }
        Ok(())
    }

    fn paused(&self) -> MutexGuard<'_, Paused> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pausable {
    /// Returns the name in the database.
    fn as_str(&self) -> &str {
        match self {
            Self::All => ALL,
            Self::Site(id) => id.as_str(),
        }
    }
}

fn parse(ids: &[String]) -> BTreeSet<Pausable> {
    let part = |id: &String| if id == ALL { Some(Pausable::All) } else { TenantName::parse(id).map(Pausable::Site) };
    ids.iter().filter_map(part).collect()
}

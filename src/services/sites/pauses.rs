//! Pauses of sites by the operator. They are in the database, from which replicas and later processes take them.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    adapters::storage::{Storage, StorageFailure},
    domain::tenant::TenantName,
};

/// The sites that the operator has paused, also those that are not in the configuration file.
#[derive(Debug)]
pub(super) struct OperatorPauses {
    storage: Storage,
    paused: Mutex<Paused>,
    /// The number of changes by this process, begun and ended. What was read of the database before one of them is outdated.
    changes: AtomicU64,
}

#[derive(Debug)]
struct Paused {
    /// Those that the database has.
    stored: BTreeSet<TenantName>,
    /// Those of this process that the database does not have: they are being stored, or could not be.
    unstored: BTreeSet<TenantName>,
}

impl OperatorPauses {
    /// Begins with the pauses that the database has.
    pub(super) fn new(storage: Storage, paused: &[String]) -> Self {
        let paused = Paused { stored: parse(paused), unstored: BTreeSet::new() };
        Self { storage, paused: Mutex::new(paused), changes: AtomicU64::default() }
    }

    /// Whether other replicas use the same database.
    pub(super) fn are_shared(&self) -> bool {
        self.storage.is_shared()
    }

    /// Whether the operator has paused a site.
    pub(super) fn contain(&self, id: TenantName) -> bool {
        let paused = self.paused();
        paused.stored.contains(&id) || paused.unstored.contains(&id)
    }

    /// Adds a pause that is in force here before it is stored, and also if it cannot be.
    pub(super) fn add_unstored(&self, id: TenantName) {
        self.paused().unstored.insert(id);
    }

    /// Stores a pause of a site, or its end.
    pub(super) async fn store(&self, id: TenantName, is_paused: bool) -> Result<(), StorageFailure> {
        self.changes.fetch_add(1, Ordering::SeqCst);
        let stored = if is_paused {
            self.storage.pause_site(id.as_str()).await
        } else {
            self.storage.resume_site(id.as_str()).await
        };
        if stored.is_ok() {
            let mut paused = self.paused();
            paused.unstored.remove(&id);
            if is_paused {
                paused.stored.insert(id);
            } else {
                paused.stored.remove(&id);
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

fn parse(ids: &[String]) -> BTreeSet<TenantName> {
    ids.iter().filter_map(|id| TenantName::parse(id)).collect()
}

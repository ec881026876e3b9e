//! Pauses of sites by the operator. They are in the database, from which replicas and later processes take them.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
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
    pub(super) storage: Storage,
    paused: Mutex<BTreeSet<TenantName>>,
    /// The number of changes by this process, begun and ended. What was read of the database before one of them is outdated.
    changes: AtomicU64,
}

impl OperatorPauses {
    /// Begins with the pauses that the database has.
    pub(super) fn new(storage: Storage, paused: &[String]) -> Self {
        Self { storage, paused: Mutex::new(parse(paused)), changes: AtomicU64::default() }
    }

    /// Whether the operator has paused a site.
    pub(super) fn contain(&self, id: TenantName) -> bool {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Notes that the operator has paused a site, or has resumed it.
    pub(super) fn set(&self, id: TenantName, is_paused: bool) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if is_paused {
            paused.insert(id);
        } else {
            paused.remove(&id);
        }
    }

    /// Counts the begin or the end of a change by this process.
    pub(super) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes over the pauses that the database has, unless this process has changed some meanwhile.
    pub(super) async fn take_over(&self) -> Result<(), StorageFailure> {
        let before = self.changes.load(Ordering::SeqCst);
        let found = parse(&self.storage.paused_sites().await?);
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == before {
            *paused = found;
        }
        Ok(())
    }
}

fn parse(ids: &[String]) -> BTreeSet<TenantName> {
    ids.iter().filter_map(|id| TenantName::parse(id)).collect()
}

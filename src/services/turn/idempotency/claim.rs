//! The claim of a running turn on its idempotency key.
//!
//! The key has a mark in the database from before the model is asked. After a crash the mark tells keys that are free
//! again from those whose turns may have cost something. The mark must be durable when the model is asked, but a write
//! just for it would slow each turn down. So a turn that can ask at once is marked by the statement that claims its key.
//! In a stored chat the mark is written while the history is read. Only a turn that has to wait pays for the mark with
//! writes of their own: it is withdrawn during the wait.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{join, select, time::sleep};

use crate::{
    adapters::storage::{KeyOutcome, ScopedKey, SettledKey, Storage, StorageFailure, StoredKey},
    foundation::error_chain::ErrorChain,
    services::turn::failure::TurnFailure,
};

/// The time for which a turn waits before its mark is withdrawn. A shorter wait, such as for another task that only looks
/// something up, is not worth two writes.
const SHORT_WAIT: Duration = Duration::from_millis(20);

/// A key that a running turn has claimed.
#[derive(Debug)]
pub(in crate::services::turn) struct KeyClaim {
    storage: Storage,
    key: ScopedKey,
    request_id: String,
    /// The key that seals the turn's texts in the session log.
    content_key: OnceLock<Arc<StoredKey>>,
    /// Whether the key is certainly marked: the model may be asked.
    is_marked: AtomicBool,
    /// Whether the model may have been asked, so that the mark stays.
    may_have_asked: AtomicBool,
    /// Whether the outcome of the turn is stored, or is queued.
    is_settled: AtomicBool,
}

impl KeyClaim {
    /// `is_marked`: the key was marked when it was claimed.
    pub(super) fn new(storage: Storage, key: ScopedKey, request_id: String, is_marked: bool) -> Self {
        Self {
            storage,
            key,
            request_id,
            content_key: OnceLock::new(),
            is_marked: AtomicBool::new(is_marked),
            may_have_asked: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
        }
    }

    /// Marks the key, unless it is marked. Fails if the database fails, or if another replica has taken the key over because
    /// this one seemed dead.
    pub(in crate::services::turn) async fn mark(&self) -> Result<(), TurnFailure> {
        if self.is_marked.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.storage.mark_key(&self.key, &self.request_id, true).await {
            Ok(true) => self.is_marked.store(true, Ordering::Relaxed),
            Ok(false) => return Err(TurnFailure::Busy),
            Err(failure) => return Err(unavailable(&failure)),
        }
        Ok(())
    }

    /// Marks the key for good, directly before the model is asked.
    pub(in crate::services::turn) async fn mark_for_good(&self) -> Result<(), TurnFailure> {
        self.mark().await?;
        self.may_have_asked.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn withdraw_mark(&self) {
        if !self.is_marked.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(failure) = self.storage.mark_key(&self.key, &self.request_id, false).await {
            // The turn goes on. If the process died now, the key would not be free again.
            tracing::warn!(failure = %ErrorChain(&failure), "the mark of an Idempotency-Key cannot be withdrawn");
        }
    }

    /// Notes the key that seals the turn's texts in the session log.
    pub(in crate::services::turn) fn note_content_key(&self, content_key: &Arc<StoredKey>) {
        // It is noted once.
        let _ = self.content_key.set(Arc::clone(content_key));
    }

    pub(super) fn content_key(&self) -> Option<Arc<StoredKey>> {
        self.content_key.get().cloned()
    }

    /// Returns the key with the outcome of its turn.
    pub(in crate::services::turn) fn with_outcome(&self, outcome: KeyOutcome) -> SettledKey {
        SettledKey { key: self.key.clone(), request_id: self.request_id.clone(), outcome }
    }

    /// Notes that the outcome of the turn is stored or queued together with its answer.
    pub(in crate::services::turn) fn note_settled(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
    }

    /// Whether the outcome of the turn is stored or queued.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }
}

/// Waits for something that a turn needs before it can ask the model. If that takes longer than a short time, the turn's
/// key is not marked during the wait.
pub(in crate::services::turn) async fn wait_unmarked<T>(
    claim: Option<&KeyClaim>,
    mut wait: Pin<&mut impl Future<Output = T>>,
) -> T {
    let Some(claim) = claim.filter(|claim| !claim.may_have_asked.load(Ordering::Relaxed)) else { return wait.await };
    select! {
        biased;
        value = &mut wait => value,
        () = sleep(SHORT_WAIT) => join!(claim.withdraw_mark(), wait).1,
    }
}

/// Logs a failure of the database. Returns the failure of the turn.
pub(super) fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(failure = %ErrorChain(failure), "an Idempotency-Key cannot be claimed");
    TurnFailure::StorageUnavailable
}

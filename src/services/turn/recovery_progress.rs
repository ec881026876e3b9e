//! The progress of a recovery, for the health checks during the start.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The numbers of bytes of the session log that a running recovery has read, and has to read. Cheap to clone; all clones
/// share the numbers.
#[derive(Clone, Debug, Default)]
pub struct RecoveryProgress(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    read_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl RecoveryProgress {
    /// Returns the numbers of bytes of the session log that were read, and that are to be read in all; `None` before the
    /// recovery begins.
    #[must_use]
    pub fn bytes(&self) -> Option<(u64, u64)> {
        let total = self.0.total_bytes.load(Ordering::Relaxed);
        (total > 0).then(|| (self.0.read_bytes.load(Ordering::Relaxed), total))
    }

    pub(super) fn set(&self, read_bytes: u64, total_bytes: u64) {
        self.0.read_bytes.store(read_bytes, Ordering::Relaxed);
        self.0.total_bytes.store(total_bytes, Ordering::Relaxed);
    }
}

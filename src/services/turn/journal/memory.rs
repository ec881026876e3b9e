//! The memory of all journals together.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The memory of all journals, counted by themselves as they grow, and the budget for it.
///
/// A journal changes the count only when its buffers grow, and not with each piece of text.
#[derive(Debug)]
pub(in crate::services::turn) struct JournalMemory {
    /// In bytes.
    used: AtomicUsize,
    /// In bytes.
    budget: usize,
    exceeded: Notify,
}

impl JournalMemory {
    pub(in crate::services::turn) fn new(budget: usize) -> Self {
        Self { used: AtomicUsize::new(0), budget, exceeded: Notify::new() }
    }

    /// Counts the change of a journal's memory from `before` to `after` bytes.
    pub(super) fn count(&self, before: usize, after: usize) {
        if after < before {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
        } else if self.used.fetch_add(after - before, Ordering::Relaxed) + (after - before) > self.budget {
            self.exceeded.notify_one();
        }
    }

    /// Returns by how many bytes the journals exceed the budget.
    pub(in crate::services::turn) fn excess(&self) -> usize {
        self.used.load(Ordering::Relaxed).saturating_sub(self.budget)
    }

    /// Waits until the journals exceed the budget.
    pub(in crate::services::turn) async fn wait_for_excess(&self) {
        while self.excess() == 0 {
            self.exceeded.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_excess_is_what_is_over_the_budget() {
        let memory = JournalMemory::new(100);
        memory.count(0, 60);
        memory.count(0, 60);
        memory.wait_for_excess().await;
        assert_eq!(memory.excess(), 20);
        memory.count(60, 30);
        assert_eq!(memory.excess(), 0);
    }
}

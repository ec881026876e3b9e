//! The order of turns in a chat: one at a time, first in, first out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapters::storage::ChatId;

/// Limit of the turns that wait in one chat. Each holds its question in memory.
const MAX_WAITING: usize = 32;

/// One semaphore with one permit for each chat in which turns run or wait.
#[derive(Debug, Default)]
pub(super) struct ChatQueues(Mutex<HashMap<ChatId, Weak<Semaphore>>>);

impl ChatQueues {
    /// Waits for the permit of a chat. Returns `None` if too many turns wait for it.
    pub(super) async fn acquire(&self, chat: ChatId) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore(chat);
        if Arc::strong_count(&semaphore) > MAX_WAITING {
            return None;
        }
        semaphore.acquire_owned().await.ok()
    }

    fn semaphore(&self, chat: ChatId) -> Arc<Semaphore> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|_, semaphore| semaphore.strong_count() > 0);
        let known = queues.get(&chat).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let semaphore = Arc::new(Semaphore::new(1));
            queues.insert(chat, Arc::downgrade(&semaphore));
            semaphore
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn only_turns_of_the_same_chat_wait_for_each_other() {
        let queues = ChatQueues::default();
        let first = queues.acquire(ChatId(1)).await;
        assert!(first.is_some());
        assert!(queues.acquire(ChatId(2)).await.is_some());
        assert!(timeout(Duration::from_millis(1), queues.acquire(ChatId(1))).await.is_err());
        drop(first);
        assert!(queues.acquire(ChatId(1)).await.is_some());
    }
}

//! Background tasks: the only place that spawns them.
//!
//! Spawned tasks are counted, so that a shutdown can wait for them. A panic in one is caught, logged, and reported by
//! `/api/health/ready`.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A group of background tasks. Cheap to clone; all clones share the group.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    panicked: Arc<Mutex<Vec<&'static str>>>,
}

impl Tasks {
    /// Spawns a task. A panic in it is caught, logged under `name`, and listed by [`Self::panicked`].
    #[expect(clippy::disallowed_methods, reason = "the only place that spawns tasks")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let panicked = Arc::clone(&self.panicked);
        // An async block would hold the memory of the future twice: as its argument, and while it runs.
        let watched = AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
            if outcome.is_err() {
                tracing::error!(task = name, "a background task panicked; please report this with the panic's text");
                panicked.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
        });
        tokio::spawn(self.tracker.track_future(watched));
    }

    /// Spawns a task and waits for its result. The task completes even if the caller is dropped. Returns `None` if it panicked.
    pub async fn run_to_completion<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, result) = oneshot::channel();
        self.spawn(name, async move {
            // Fails if the caller was dropped.
            let _ = sender.send(work.await);
        });
        result.await.ok()
    }

    /// Returns a token that is cancelled when tasks that run in a loop should end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Returns the names of tasks that panicked.
    #[must_use]
    pub fn panicked(&self) -> Vec<&'static str> {
        self.panicked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of running tasks.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until every task has ended, at most for `timeout`. Returns whether all have ended.
    pub async fn finished(&self, timeout: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(timeout, self.tracker.wait()).await.is_ok()
    }

    /// Cancels the token of [`Self::stopping`] and waits until every task has ended, at most for `timeout`. Returns whether
    /// all have ended.
    pub async fn stop(&self, timeout: Duration) -> bool {
        self.stop.cancel();
        self.finished(timeout).await
    }
}

//! The owner of everything that runs beside a request.
//!
//! A task spawned here is counted, so a drain can wait for it, and watched, so that its death by panic is logged and
//! shows in `/api/health/ready` instead of passing unnoticed.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Spawns and watches tasks. Cheap to clone; all clones own the same tasks.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    dead: Arc<Mutex<Vec<&'static str>>>,
}

impl Tasks {
    /// Runs a task that ends by itself. A panic in it is caught, logged under `name` and remembered.
    #[expect(clippy::disallowed_methods, reason = "the one home of spawned tasks")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let dead = Arc::clone(&self.dead);
        // Not an async block, which would keep room for the task twice: as it came in, and as it runs.
        let watched = AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
            if outcome.is_err() {
                tracing::error!(task = name, "a task died of a panic; please report this with the panic's text");
                dead.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
        });
        tokio::spawn(self.tracker.track_future(watched));
    }

    /// Resolves when loops should finish their work and end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The names of tasks that died of a panic.
    #[must_use]
    pub fn dead(&self) -> Vec<&'static str> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until every task has ended, `deadline` at the most. Returns whether they all did.
    pub async fn finished(&self, deadline: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok()
    }

    /// Asks the loops to end and waits for them, `deadline` at the most. Returns whether they all did.
    pub async fn stop(&self, deadline: Duration) -> bool {
        self.stop.cancel();
        self.finished(deadline).await
    }
}

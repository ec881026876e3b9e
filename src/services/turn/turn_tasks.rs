//! The tasks in which turns run, and the end of all of them when the service stops.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::foundation::tasks::Tasks;

/// Time for turns that were cut off to be logged.
const CUT_OFF_TIMEOUT: Duration = Duration::from_secs(5);

/// The turns that the stop of the service has cut off.
#[derive(Clone, Copy, Debug)]
pub struct CutOffTurns {
    /// The number of turns.
    pub count: usize,
    /// Whether they were cut off at once, and not at the deadline.
    pub at_once: bool,
}

/// The tasks of all turns, apart from other tasks, so that a drain waits for turns only.
#[derive(Debug, Default)]
pub(super) struct TurnTasks {
    tasks: Tasks,
    draining: CancellationToken,
    cut_off: CancellationToken,
}

impl TurnTasks {
    /// Runs a turn in a task of its own.
    pub(super) fn spawn(&self, turn: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn("turn", turn);
    }

    /// Returns a token that is cancelled when new turns are refused.
    pub(super) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Returns a token that is cancelled when running turns must end.
    pub(super) fn cut_off(&self) -> CancellationToken {
        self.cut_off.clone()
    }

    /// Whether new turns are refused.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Refuses new turns, waits for running ones until the deadline or until `at_once` is cancelled, and ends those that are
    /// left.
    pub(super) async fn drain(&self, deadline: Duration, at_once: &CancellationToken) -> CutOffTurns {
        self.draining.cancel();
        let have_finished = at_once.run_until_cancelled(self.tasks.finished(deadline)).await;
        let cut_off = CutOffTurns { count: self.tasks.running(), at_once: have_finished.is_none() };
        if cut_off.count > 0 {
            self.cut_off.cancel();
            self.tasks.finished(CUT_OFF_TIMEOUT).await;
        }
        cut_off
    }
}

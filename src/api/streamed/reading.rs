//! Clients that read a response slowly, or not at all, and are disconnected.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::api::AppState;

/// The lowest accepted rate of a client that reads, in bytes a second.
const LOWEST_RATE: u64 = 32 << 10;

/// The reading of a response by its client.
pub(super) struct Reading {
    pause: Duration,
    /// The time until which the part that was taken last must have been read.
    deadline: Arc<Mutex<Instant>>,
    /// Cancelled when the client must be disconnected.
    pub(super) cut_off: CancellationToken,
    /// Cancelled when the response has ended.
    _ended: DropGuard,
}

impl Reading {
    /// Notes that a part is sent: the parts before were read.
    pub(super) fn begin_part(&self, bytes: usize) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline(self.pause, bytes);
    }
}

fn deadline(pause: Duration, bytes: usize) -> Instant {
    Instant::now() + pause + Duration::from_secs(bytes as u64 / LOWEST_RATE)
}

/// Returns the reading of a response, and a task that has its client disconnected if it falls behind: it may pause as long as
/// one that sends a body.
pub(super) fn watch_reader(state: &AppState, first: usize) -> (Reading, impl Future<Output = ()> + Send + use<>) {
    let pause = state.config.server.body_timeout;
    let latest = Arc::new(Mutex::new(deadline(pause, first)));
    let (cut_off, ended, stopping) = (CancellationToken::new(), CancellationToken::new(), state.tasks.stopping());
    let reading =
        Reading { pause, deadline: Arc::clone(&latest), cut_off: cut_off.clone(), _ended: ended.clone().drop_guard() };
    let watch = async move {
        loop {
            let until = *latest.lock().unwrap_or_else(PoisonError::into_inner);
            if Instant::now() >= until {
                return cut_off.cancel();
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = ended.cancelled() => return,
                () = stopping.cancelled() => return,
            }
        }
    };
    (reading, watch)
}

//! The pace of work on large files.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::failure::RetentionFailure;

/// The longest pause, after a step that had to wait for the disk or a processor.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Makes pauses, so that work on a large file takes at most half of a processor, and turns have the rest.
#[derive(Debug)]
pub struct Pace<'a> {
    stopping: &'a CancellationToken,
    step_started: Instant,
}

impl<'a> Pace<'a> {
    /// Starts the first step. Ends early when `stopping` is cancelled.
    #[must_use]
    pub fn new(stopping: &'a CancellationToken) -> Self {
        Self { stopping, step_started: Instant::now() }
    }

    /// Pauses for as long as the step that has ended took. Fails when the service stops.
    pub fn end_step(&mut self) -> Result<(), RetentionFailure> {
        if self.stopping.is_cancelled() {
            return Err(RetentionFailure::Stopped);
        }
        sleep(self.step_started.elapsed().min(LONGEST_PAUSE));
        self.step_started = Instant::now();
        Ok(())
    }
}

//! The progress bar of a long run, if standard error is a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::adapters::log_files::LogFile;

/// The time after which a run counts as long.
const DELAY: Duration = Duration::from_millis(500);

const TEMPLATE: &str = "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// The bytes of the files that were read. Without a terminal, nothing is shown.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
}

impl Progress {
    pub(super) fn of(files: &[LogFile]) -> Self {
        let bar = ProgressBar::new(files.iter().filter_map(|file| file.length).sum());
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: bar.with_style(style), start: Instant::now() }
    }

    pub(super) fn add(&self, bytes: u64) {
        self.bar.inc(if self.start.elapsed() < DELAY { 0 } else { bytes });
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

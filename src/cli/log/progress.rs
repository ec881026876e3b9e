//! The progress bar of a long run, if standard error is a terminal.

use std::{
    sync::Once,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::adapters::log_files::LogFile;

/// The time after which a run counts as long. Nothing is shown before.
const DELAY: Duration = Duration::from_millis(500);

const TEMPLATE: &str = "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// The bytes of the files that were read. Without a terminal, nothing is shown.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
    show: Once,
}

impl Progress {
    pub(super) fn of(files: &[LogFile]) -> Self {
        let bytes = files.iter().filter_map(|file| file.length).sum();
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: bar.with_style(style), start: Instant::now(), show: Once::new() }
    }

    pub(super) fn add(&self, bytes: u64) {
        if self.start.elapsed() >= DELAY {
            self.show.call_once(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
        self.bar.inc(bytes);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_before_the_bar_is_shown() {
        let progress = Progress::of(&[]);
        progress.add(5);
        progress.add(7);
        assert_eq!((progress.bar.position(), progress.show.is_completed()), (12, false));
        let progress = Progress { start: progress.start.checked_sub(DELAY).unwrap(), ..progress };
        progress.add(1);
        assert_eq!((progress.bar.position(), progress.show.is_completed()), (13, true));
    }
}

//! The files that could not be compressed or deleted: when each is tried again, and whether that is to be reported.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::foundation::file_identity::FileState;

/// The time between two runs on one day, for files that could not be compressed or deleted before.
pub(super) const RETRY_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// The most doublings of the time between two tries: longer ones than a day have no effect.
const MAX_DOUBLINGS: u32 = 5;

/// The files that could not be compressed or deleted, by their paths.
#[derive(Debug, Default)]
pub(super) struct FailedFiles(HashMap<PathBuf, FailedFile>);

#[derive(Debug)]
struct FailedFile {
    /// The time of the first failure, by the steady clock.
    since: Timestamp,
    failures: u32,
    /// The day of the last failure.
    failed_on: Date,
    /// The file at the last failure; `None` if it could not be looked at.
    state: Option<FileState>,
    /// The time by the steady clock from which it is tried again on the same day; `None` if it is not.
    next_try: Option<Timestamp>,
    /// The day on which a failure was reported last.
    reported_on: Option<Date>,
}

/// When a file that has failed is tried again: when it has changed, on the next day, and on the same day as told here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// By the next run.
    NextRun,
    /// After an hour, then after 2, 4, 8 and 16 hours.
    Later,
    /// Not on the same day.
    NextDay,
}

/// The time of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunTime {
    pub(super) today: Date,
    /// The time by the steady clock.
    pub(super) now: Timestamp,
}

impl FailedFiles {
    /// Returns whether a file is to be tried by a run.
    pub(super) fn is_due(&self, path: &Path, RunTime { today, now }: RunTime) -> bool {
        self.0.get(path).is_none_or(|file| {
            file.failed_on != today
                || file.next_try.is_some_and(|next_try| now >= next_try)
                || file.state != FileState::at(path)
        })
    }

    /// Adds a failure of a file. Returns whether it is to be reported: once a day, and not before the file has failed for as long
    /// as `patience`.
    pub(super) fn add(&mut self, path: &Path, time: RunTime, retry: Retry, patience: SignedDuration) -> bool {
        let RunTime { today, now } = time;
        let file = self.0.entry(path.to_owned()).or_insert(FailedFile {
            since: now,
            failures: 0,
            failed_on: today,
            state: None,
            next_try: None,
            reported_on: None,
        });
        let delay = match retry {
            Retry::NextRun => Some(SignedDuration::ZERO),
            Retry::Later => RETRY_INTERVAL.checked_mul(1 << file.failures.min(MAX_DOUBLINGS)),
            Retry::NextDay => None,
        };
        file.failures = file.failures.saturating_add(1);
        file.failed_on = today;
        file.state = FileState::at(path);
        file.next_try = delay.and_then(|delay| now.checked_add(delay).ok());
        let is_reported = file.reported_on != Some(today) && now.duration_since(file.since) >= patience;
        if is_reported {
            file.reported_on = Some(today);
        }
        is_reported
    }

    /// Removes a file that was compressed or deleted.
    pub(super) fn remove(&mut self, path: &Path) {
        self.0.remove(path);
    }

    /// Removes all files but these.
    pub(super) fn retain(&mut self, paths: &HashSet<&Path>) {
        self.0.retain(|path, _| paths.contains(path.as_path()));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::civil::date;

    use super::*;

    fn at(hour: i64) -> RunTime {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        RunTime { today: date(1970, 1, 1).saturating_add(SignedDuration::from_hours(hour)), now }
    }

    /// Returns the hours at which a file that always fails is tried.
    fn tries(retry: Retry, hours: i64) -> Vec<i64> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "text").unwrap();
        let mut failed = FailedFiles::default();
        let is_tried = |hour: &i64| {
            let is_due = failed.is_due(&path, at(*hour));
            if is_due {
                failed.add(&path, at(*hour), retry, SignedDuration::ZERO);
            }
            is_due
        };
        (0..hours).filter(is_tried).collect()
    }

    #[test]
    fn files_that_fail_again_and_again_are_tried_once_a_day() {
        assert_eq!(tries(Retry::Later, 97), [0, 1, 3, 7, 15, 24, 48, 72, 96]);
        assert_eq!(tries(Retry::NextDay, 50), [0, 24, 48]);
        assert_eq!(tries(Retry::NextRun, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn a_file_that_was_changed_is_tried_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "text").unwrap();
        let mut failed = FailedFiles::default();
        failed.add(&path, at(0), Retry::NextDay, SignedDuration::ZERO);
        assert!(!failed.is_due(&path, at(1)));
        fs::write(&path, "longer text").unwrap();
        assert!(failed.is_due(&path, at(1)));
    }

    #[test]
    fn a_failure_is_reported_once_a_day_and_with_patience() {
        let (mut failed, path) = (FailedFiles::default(), Path::new("file"));
        let mut add = |hour, patience| failed.add(path, at(hour), Retry::Later, SignedDuration::from_hours(patience));
        assert_eq!([0, 1, 2, 3, 24, 25].map(|hour| add(hour, 2)), [false, false, true, false, true, false]);
        assert!(!add(26, 0) && add(48, 0));
    }
}

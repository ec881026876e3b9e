//! The files that could not be compressed or deleted, and whether that is to be reported.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil::Date};

/// The time between two runs on one day, for files that could not be compressed or deleted before.
pub(super) const RETRY_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// The files that could not be compressed or deleted, by their paths.
#[derive(Debug, Default)]
pub(super) struct FailedFiles(HashMap<PathBuf, FailedFile>);

#[derive(Debug)]
struct FailedFile {
    /// The time of the first failure, by the steady clock.
    since: Timestamp,
    /// The day on which it was reported last.
    reported_on: Option<Date>,
    /// The day on which its deletion was declared last.
    declared_on: Option<Date>,
}

/// The time of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunTime {
    pub(super) today: Date,
    /// The time by the steady clock.
    pub(super) now: Timestamp,
}

impl FailedFiles {
    /// Adds a failure of a file. Returns whether it is to be reported: once a day, and not before the file has failed for as long
    /// as `patience`.
    pub(super) fn add(&mut self, path: &Path, time: RunTime, patience: SignedDuration) -> bool {
        let RunTime { today, now } = time;
        let failed = FailedFile { since: now, reported_on: None, declared_on: None };
        let file = self.0.entry(path.to_owned()).or_insert(failed);
        let is_due = file.reported_on != Some(today) && now.duration_since(file.since) >= patience;
        if is_due {
            file.reported_on = Some(today);
        }
        is_due
    }

    /// Notes that the deletion of a file which has failed was declared.
    pub(super) fn note_declared(&mut self, path: &Path, today: Date) {
        if let Some(file) = self.0.get_mut(path) {
            file.declared_on = Some(today);
        }
    }

    /// Returns whether the deletion of a file was declared on a day, and has failed.
    pub(super) fn is_declared_on(&self, path: &Path, day: Date) -> bool {
        self.0.get(path).is_some_and(|file| file.declared_on == Some(day))
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

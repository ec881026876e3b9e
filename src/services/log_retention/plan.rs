//! Which files of a log are to be compressed and deleted.

use jiff::{ToSpan as _, civil::Date};

use crate::{
    adapters::{log_files::LogFile, session_log::day_path},
    foundation::{compression::Compression, config::LogRetention},
};

/// What is to be done, the oldest days first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The files to delete, each with its day.
    pub(super) delete: Vec<(LogFile, Date)>,
    /// The plain files to compress, each with its day.
    pub(super) compress: Vec<(LogFile, Date)>,
    /// The files that are compressed but have the plain name, each with its day.
    pub(super) complete: Vec<(LogFile, Date)>,
}

/// The days before which files are compressed and deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    compress_before: Option<Date>,
    delete_before: Option<Date>,
}

impl Limits {
    /// Returns the limits on a day. `confirmed` is an earlier day if the clock may have been set ahead: it decides on what is
    /// deleted.
    pub(super) fn on(today: Date, confirmed: Date, settings: LogRetention) -> Self {
        let ago = |day: Date, days: u16| day.checked_sub(i32::from(days).days()).ok();
        Self {
            compress_before: settings.compress_after.and_then(|days| ago(today, days)),
            delete_before: settings.keep.and_then(|days| ago(today.min(confirmed), days)),
        }
    }
}

impl Plan {
    /// Returns all files for which something is to be done.
    pub(super) fn files(&self) -> impl Iterator<Item = &LogFile> {
        self.delete.iter().chain(&self.compress).chain(&self.complete).map(|(file, _)| file)
    }

    /// Plans what to do with the files of a log, which come in the order in which they were written. The newest day is left
    /// alone: the next start looks for the log's end there.
    pub(super) fn new(files: &[LogFile], limits: Limits) -> Self {
        let mut plan = Self::default();
        let Some(newest) = files.iter().filter_map(|file| file.date).max() else { return plan };
        for file in files {
            let Some(date) = file.date.filter(|date| *date < newest) else { continue };
            if limits.delete_before.is_some_and(|limit| date < limit) {
                plan.delete.push((file.clone(), date));
            } else if file.path == day_path(file.folder(), date) {
                match file.compression {
                    Compression::None if limits.compress_before.is_some_and(|limit| date < limit) => {
                        plan.compress.push((file.clone(), date));
                    }
                    Compression::Zstd => plan.complete.push((file.clone(), date)),
                    _ => {}
                }
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::civil::date;

    use super::*;
    use crate::adapters::log_files::find_in;

    fn named(names: &[&str]) -> (tempfile::TempDir, Vec<LogFile>) {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(dir.path().join(format!("session_2026-{name}")), "{}\n").unwrap();
        }
        let files = find_in(dir.path()).unwrap();
        (dir, files)
    }

    fn planned(
        files: &[LogFile],
        today: Date,
        confirmed: Date,
        settings: (Option<u16>, Option<u16>),
    ) -> [Vec<String>; 2] {
        let (compress_after, keep) = settings;
        let plan = Plan::new(files, Limits::on(today, confirmed, LogRetention { compress_after, keep }));
        let names = |files: Vec<(LogFile, Date)>| {
            let name = |(file, _): (LogFile, Date)| file.path.file_name().unwrap().to_str().unwrap()[13..].to_owned();
            files.into_iter().map(name).collect()
        };
        [names(plan.compress), names(plan.delete)]
    }

    #[test]
    fn past_days_are_compressed_and_deleted_but_never_the_newest() {
        let (_dir, files) =
            named(&["03-01.log.2.gz", "03-01.log", "03-02.log", "03-03.log.zst", "03-04.log", "03-05.log"]);
        let on = |day, settings| planned(&files, date(2026, 3, day), date(2026, 3, day), settings);
        assert_eq!(on(5, (None, None)), [[""; 0], [""; 0]]);
        assert_eq!(on(5, (Some(0), None)), [vec!["03-01.log", "03-02.log", "03-04.log"], vec![]]);
        assert_eq!(on(5, (Some(2), None)), [vec!["03-01.log", "03-02.log"], vec![]]);
        assert_eq!(on(5, (Some(0), Some(3))), [vec!["03-02.log", "03-04.log"], vec!["03-01.log.2.gz", "03-01.log"]]);
        assert_eq!(on(5, (None, Some(4))), [[""; 0], [""; 0]]);
        // Nothing was written for weeks.
        let [compress, delete] = on(28, (Some(0), Some(1)));
        assert_eq!((compress.len(), delete.len()), (0, 5), "{delete:?}");
    }

    #[test]
    fn a_clock_that_may_be_wrong_compresses_but_does_not_delete() {
        let (_dir, files) = named(&["03-01.log", "03-02.log", "03-03.log"]);
        let [compress, delete] = planned(&files, date(2027, 3, 3), date(2026, 3, 3), (Some(30), Some(30)));
        assert_eq!((compress, delete), (vec!["03-01.log".to_owned(), "03-02.log".to_owned()], vec![]));
    }
}

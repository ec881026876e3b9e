//! Reports that the running service makes of the log that it writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{civil::Date, tz::TimeZone};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    day::{DayFigures, DaySummary, query_of},
    day_sessions::{DaySession, DaySessions},
    query::{GroupBy, MaxGroups, Query},
    reading::{each_line, report_in_one_pass},
    summary::{Group, Summary},
};
use crate::{
    adapters::log_files::{FindFailure, LogFile, find_in},
    domain::time_bound::TimeBound,
    foundation::blocking::run_blocking,
};

/// The most groups of a report, so that one cannot take much of the memory of the service.
pub(super) const MAX_GROUPS: MaxGroups = MaxGroups(500);

/// Makes reports of the session log of this service. Clones share a limit: one report is made at a time, on one thread, so that
/// turns have the other processors.
#[derive(Clone, Debug)]
pub struct OwnLogReports {
    folder: Arc<Path>,
    permit: Arc<Semaphore>,
    stopping: CancellationToken,
    past_days: Kept<Vec<Group>>,
    sessions: Kept<Vec<DaySession>>,
}

/// The last result of reading some files, which is good as long as they have the same lengths.
type Kept<T> = Arc<Mutex<Option<(Lengths, Arc<T>)>>>;

/// Files with their lengths, and the days that were asked for.
type Lengths = (Date, Date, Vec<(PathBuf, Option<u64>)>);

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportFailure {
    /// The folder or a file of the log cannot be read.
    #[error("the session log cannot be read")]
    Unreadable(#[from] FindFailure),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
}

impl OwnLogReports {
    /// Returns the reports of the log in a folder. `stopping` ends them early.
    #[must_use]
    pub fn new(folder: &Path, stopping: CancellationToken) -> Self {
        let permit = Arc::new(Semaphore::new(1));
        Self { folder: folder.into(), permit, stopping, past_days: Kept::default(), sessions: Kept::default() }
    }

    /// Waits for its turn, reads the days of the period and returns their figures, as `al-chat log report` does, with fewer groups. A log
    /// without files has no turns. The reading ends when the caller is dropped.
    pub async fn report(&self, query: Query) -> Result<Summary, ReportFailure> {
        let days = query.clone();
        let query = Query { max_groups: MAX_GROUPS, ..query };
        let read = move |files: &[LogFile], is_wanted: &(dyn Fn() -> bool + Sync)| {
            report_in_one_pass(files, &query, |_| {}, is_wanted).summary(query.by)
        };
        self.read(move |day| days.may_cover_day(day), read).await
    }

    /// Returns the figures of a day, also by hour, model, site and persona, in the same way.
    pub async fn day(&self, day: Date, zone: &TimeZone) -> Result<DaySummary, ReportFailure> {
        let query = query_of(day, zone);
        let days = query.clone();
        let read = move |files: &[LogFile], is_wanted: &(dyn Fn() -> bool + Sync)| {
            let mut figures = DayFigures::new(query, MAX_GROUPS);
            each_line(files, is_wanted, |line| match line {
                Some((line, end)) => drop(figures.add(line, end)),
                None => figures.add_unreadable_file(),
            });
            figures.summary(day)
        };
        self.read(move |day| days.may_cover_day(day), read).await
    }

    /// Returns the figures of each of these past days that has turns, in the same way. They are read again only after a file has
    /// changed.
    pub async fn past_days(&self, first: Date, last: Date, zone: &TimeZone) -> Result<Arc<Vec<Group>>, ReportFailure> {
        let bound = |day: Date| Some(TimeBound::Day(day.to_string()));
        let (since, until, zone) = (bound(first), bound(last), Some(zone.clone()));
        let query = Query { since, until, zone, by: Some(GroupBy::Day), max_groups: MAX_GROUPS, ..Query::default() };
        let (days, kept) = (query.clone(), Arc::clone(&self.past_days));
        let read = move |files: &[LogFile], is_wanted: &(dyn Fn() -> bool + Sync)| {
            known_or(&kept, (first, last), files, is_wanted, || {
                report_in_one_pass(files, &query, |_| {}, is_wanted).summary(query.by).groups
            })
        };
        // Without the margin for changes of the time zone: today's file would be read again and again.
        self.read(move |day| day <= last && days.may_cover_day(day), read).await
    }

    /// Returns the sessions of a day, the latest first, in the same way.
    pub async fn sessions(&self, day: Date, zone: &TimeZone) -> Result<Arc<Vec<DaySession>>, ReportFailure> {
        let query = query_of(day, zone);
        let (days, kept) = (query.clone(), Arc::clone(&self.sessions));
        let read = move |files: &[LogFile], is_wanted: &(dyn Fn() -> bool + Sync)| {
            known_or(&kept, (day, day), files, is_wanted, || {
                let mut sessions = DaySessions::new(query);
                each_line(files, is_wanted, |line| {
                    if let Some((line, end)) = line {
                        sessions.add(line, end);
                    }
                });
                sessions.latest_first()
            })
        };
        self.read(move |day| days.may_cover_day(day), read).await
    }

    /// Waits for its turn, and calls a function on a thread of its own with the files of the days for which `has_day` is true, and a
    /// function that returns whether the result is still wanted.
    pub async fn read<T: Send + 'static>(
        &self,
        has_day: impl Fn(Date) -> bool + Send + 'static,
        read: impl FnOnce(&[LogFile], &(dyn Fn() -> bool + Sync)) -> T + Send + 'static,
    ) -> Result<T, ReportFailure> {
        let permit = Arc::clone(&self.permit).acquire_owned().await.map_err(|_| ReportFailure::Stopping)?;
        let (folder, unwanted) = (Arc::clone(&self.folder), self.stopping.child_token());
        let _cancel_when_dropped = unwanted.clone().drop_guard();
        let work = move || {
            // Held until the thread has ended, also if the caller was dropped.
            let _permit = permit;
            let mut files = match find_in(&folder) {
                Err(FindFailure::NoLog(_)) => Vec::new(),
                found => found?,
            };
            files.retain(|file| file.date.is_none_or(&has_day));
            let result = read(&files, &|| !unwanted.is_cancelled());
            if unwanted.is_cancelled() { Err(ReportFailure::Stopping) } else { Ok(result) }
        };
        run_blocking(work).await.ok_or(ReportFailure::Stopping)?
    }
}

/// Returns the kept result if it is of these days and files, and they have not changed. Otherwise makes it, and keeps it if the files were
/// read to their end.
fn known_or<T>(
    kept: &Kept<T>,
    (first, last): (Date, Date),
    files: &[LogFile],
    is_wanted: &(dyn Fn() -> bool + Sync),
    make: impl FnOnce() -> T,
) -> Arc<T> {
    let lengths = (first, last, files.iter().map(|file| (file.path.clone(), file.length)).collect());
    let known = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, result)) = &*known()
        && *of == lengths
    {
        return Arc::clone(result);
    }
    let result = Arc::new(make());
    if is_wanted() {
        *known() = Some((lengths, Arc::clone(&result)));
    }
    result
}

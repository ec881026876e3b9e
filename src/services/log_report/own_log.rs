//! Reports that the running service makes of the log that it writes.

use std::{path::Path, sync::Arc};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    query::{MaxGroups, Query},
    reading::report_in_one_pass,
    summary::Summary,
};
use crate::{
    adapters::log_files::{FindFailure, find_in},
    foundation::blocking::run_blocking,
};

/// The most groups of a report, so that one cannot take much of the memory of the service.
const MAX_GROUPS: MaxGroups = MaxGroups(500);

/// Makes reports of the session log of this service. Clones share a limit: one report is made at a time, on one thread, so that
/// turns have the other processors.
#[derive(Clone, Debug)]
pub struct OwnLogReports {
    folder: Arc<Path>,
    permit: Arc<Semaphore>,
    stopping: CancellationToken,
}

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
        Self { folder: folder.into(), permit: Arc::new(Semaphore::new(1)), stopping }
    }

    /// Waits for its turn, reads the days of the period and returns their figures, as `al-chat log report` does, with fewer groups. A log
    /// without files has no turns. The reading ends when the caller is dropped.
    pub async fn report(&self, query: Query) -> Result<Summary, ReportFailure> {
        let permit = Arc::clone(&self.permit).acquire_owned().await.map_err(|_| ReportFailure::Stopping)?;
        let (folder, unwanted) = (Arc::clone(&self.folder), self.stopping.child_token());
        let _cancel_when_dropped = unwanted.clone().drop_guard();
        let read = move || {
            // Held until the thread has ended, also if the caller was dropped.
            let _permit = permit;
            let mut files = match find_in(&folder) {
                Err(FindFailure::NoLog(_)) => Vec::new(),
                found => found?,
            };
            files.retain(|file| file.date.is_none_or(|day| query.may_cover_day(day)));
            let query = Query { max_groups: MAX_GROUPS, ..query };
            let report = report_in_one_pass(&files, &query, |_| {}, || !unwanted.is_cancelled());
            if unwanted.is_cancelled() { Err(ReportFailure::Stopping) } else { Ok(report.summary(query.by)) }
        };
        run_blocking(read).await.ok_or(ReportFailure::Stopping)?
    }
}

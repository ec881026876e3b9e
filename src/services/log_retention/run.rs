//! One run of the retention over the files of the log.

use std::io;

use jiff::{SignedDuration, civil::Date};
use tokio_util::sync::CancellationToken;

use super::{
    content::Content,
    failed_files::{FailedFiles, RETRY_INTERVAL, Retry, RunTime},
    plan::{Limits, Plan},
};
use crate::{
    adapters::{
        log_files::{self, FindFailure, LogFile},
        session_log::{KnownFile, RetentionFailure, SessionLog},
        storage::{Storage, StorageFailure},
    },
    domain::log_position::{CountedLines, LogPosition},
    foundation::{blocking::run_blocking, clock::Clock, config, error_chain::ErrorChain},
};

/// The retention of a log, with what it needs.
pub(super) struct Run {
    settings: config::LogRetention,
    log: SessionLog,
    storage: Storage,
    pub(super) clock: Clock,
    stopping: CancellationToken,
    failed: FailedFiles,
}

/// The reason for which a file is left as it is.
#[derive(Debug, thiserror::Error)]
enum FileFailure {
    #[error(
        "the database has not counted all its lines, such as line {} of process {}: if the database can be written, restart \
         AL-Chat, which counts the lines of plain files at its start",
        .0.seq,
        .0.instance
    )]
    Uncounted(LogPosition),
    #[error("it cannot be read to its end")]
    Unreadable(#[source] io::Error),
    #[error("it is declared deleted, but could not be deleted")]
    Declared(#[source] RetentionFailure),
    #[error(transparent)]
    Failed(#[from] RetentionFailure),
}

/// The reason for which nothing is compressed or deleted.
#[derive(Debug, thiserror::Error)]
enum PrepareFailure {
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    #[error(transparent)]
    Find(#[from] FindFailure),
}

impl Run {
    pub(super) fn new(
        settings: config::LogRetention,
        log: SessionLog,
        storage: Storage,
        clock: Clock,
        stopping: CancellationToken,
    ) -> Self {
        Self { settings, log, storage, clock, stopping, failed: FailedFiles::default() }
    }

    /// Returns the local date.
    pub(super) fn today(&self) -> Date {
        self.clock.local(self.clock.now()).1
    }

    /// Compresses and deletes the files whose time has come. A file for which that fails is left for the next run.
    pub(super) async fn run(&mut self, time: RunTime) {
        match self.prepare(time.today).await {
            Ok((plan, counted)) => self.carry_out(plan, &counted, time).await,
            Err(failure) => {
                let failure = ErrorChain(&failure);
                tracing::warn!(%failure, "days of the session log cannot be compressed or deleted now; trying again in an hour");
            }
        }
    }

    async fn prepare(&self, today: Date) -> Result<(Plan, CountedLines), PrepareFailure> {
        self.storage.sync_retention_time().await?;
        let counted = self.storage.counted_lines().await?;
        let (_, confirmed) = self.clock.local(self.storage.retention_time());
        let dir = self.log.dir().to_owned();
        let files = match run_blocking(move || log_files::list_in(&dir)).await {
            Some(Ok(files)) => files,
            // The next line makes the folder and its file again.
            None | Some(Err(FindFailure::NoLog(_) | FindFailure::Missing(_))) => Vec::new(),
            Some(Err(failure)) => return Err(failure.into()),
        };
        Ok((Plan::new(&files, Limits::on(today, confirmed, self.settings)), counted))
    }

    async fn carry_out(&mut self, plan: Plan, counted: &CountedLines, time: RunTime) {
        self.failed.retain(&plan.files().map(|file| file.path.as_path()).collect());
        for (file, date) in plan.complete {
            match self.log.complete_compression(date).await {
                Ok(()) => self.failed.remove(&file.path),
                Err(failure) => self.report(&file, &failure.into(), time),
            }
        }
        self.delete_all(plan.delete, counted, time).await;
        for (file, date) in plan.compress {
            if !self.failed.is_due(&file.path, time) {
                continue;
            }
            match self.compress(&file, date, counted).await {
                Ok(()) => self.failed.remove(&file.path),
                Err(failure) => {
                    self.report(&file, &failure, time);
                    if matches!(&failure, FileFailure::Failed(failure) if failure.is_of_all_files()) {
                        return;
                    }
                }
            }
        }
    }

    /// Deletes files up to the first one for which that fails: only the beginning of the log is deleted, so that what is
    /// declared is known for as long as it matters.
    async fn delete_all(&mut self, files: Vec<(LogFile, Date)>, counted: &CountedLines, time: RunTime) {
        for (file, date) in files {
            if !self.failed.is_due(&file.path, time) {
                return;
            }
            match self.delete(&file, date, counted).await {
                Ok(lines) => {
                    self.failed.remove(&file.path);
                    tracing::info!(file = %file.path.display(), lines, "deleted a file of the session log, as SESSION_LOG_KEEP says");
                }
                Err(failure) => return self.report(&file, &failure, time),
            }
        }
    }

    /// Deletes a file. Returns the number of its lines.
    async fn delete(&self, file: &LogFile, date: Date, counted: &CountedLines) -> Result<u64, FileFailure> {
        self.log.ensure_writable().map_err(RetentionFailure::from)?;
        let (known, content) = self.read_counted(file, date, counted).await?;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let events = content.declared(&name);
        self.log.delete(self.clock.now(), known, &events).await.map_err(|failure| match failure {
            RetentionFailure::Log(_) => FileFailure::Failed(failure),
            failure => FileFailure::Declared(failure),
        })?;
        Ok(events.iter().map(|event| event.lines).sum())
    }

    async fn compress(&self, file: &LogFile, date: Date, counted: &CountedLines) -> Result<(), FileFailure> {
        self.log.ensure_compressible(file.length.unwrap_or_default()).await?;
        let (known, _) = self.read_counted(file, date, counted).await?;
        Ok(self.log.compress(known, self.stopping.clone()).await?)
    }

    /// Opens and reads a file. Fails unless the database has counted its lines, and if it is changed meanwhile.
    async fn read_counted(
        &self,
        file: &LogFile,
        date: Date,
        counted: &CountedLines,
    ) -> Result<(KnownFile, Content), FileFailure> {
        let (file, stopping) = (file.clone(), self.stopping.clone());
        let read = run_blocking(move || Content::open(file, date, &stopping)).await;
        let (known, content) = read.ok_or(RetentionFailure::Stopped)?.map_err(FileFailure::Unreadable)?;
        if !known.is_unchanged() {
            Err(RetentionFailure::Changed.into())
        } else if let Some(line) = content.uncounted_line(counted) {
            Err(FileFailure::Uncounted(line))
        } else {
            Ok((known, content))
        }
    }

    /// Reports a file that is left as it is, once a day.
    fn report(&mut self, file: &LogFile, failure: &FileFailure, time: RunTime) {
        if !self.stopping.is_cancelled() && self.failed.add(&file.path, time, failure.retry(), failure.patience()) {
            let failure = ErrorChain(failure);
            tracing::warn!(file = %file.path.display(), %failure, "a file of the session log is neither compressed nor deleted now; trying again later");
        }
    }
}

impl FileFailure {
    /// Returns when the file is tried again. A try reads it as a whole, and a declaration is a line of the log.
    fn retry(&self) -> Retry {
        match self {
            Self::Declared(_) => Retry::NextDay,
            Self::Failed(failure) if failure.is_of_all_files() => Retry::NextRun,
            Self::Failed(_) | Self::Uncounted(_) | Self::Unreadable(_) => Retry::Later,
        }
    }

    /// Returns the time after which this is reported: lines are normally counted within a second.
    fn patience(&self) -> SignedDuration {
        if matches!(self, Self::Uncounted(_)) { RETRY_INTERVAL } else { SignedDuration::ZERO }
    }
}

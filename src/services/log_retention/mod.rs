//! Retention of the session log: past days are compressed after `SESSION_LOG_COMPRESS_AFTER` days and deleted after
//! `SESSION_LOG_KEEP` days.
//!
//! A file is deleted only after the log has a line that says which lines it had, so that `al-chat log verify` can tell a deletion
//! from a loss. Only files whose lines the database has counted are touched, since recovery reads plain files.

mod content;
mod failed_files;
mod plan;
mod run;

use std::time::Duration;

use jiff::civil::Date;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::{
    failed_files::{RETRY_INTERVAL, RunTime},
    run::Run,
};
use crate::{
    adapters::{session_log::SessionLog, storage::Storage},
    foundation::{clock::Clock, config, tasks::Tasks},
};

/// The time between two looks at the clock, for a new day.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Starts the task that compresses and deletes past days of the log, if the settings ask for it.
pub fn start(settings: config::LogRetention, log: SessionLog, storage: Storage, clock: Clock, tasks: &Tasks) {
    if settings != config::LogRetention::default() {
        let run = Run::new(settings, log, storage, clock, tasks.stopping());
        tasks.spawn("log retention", run_periodically(run, tasks.stopping()));
    }
}

/// Runs at once, on each new day, and again after [`RETRY_INTERVAL`].
async fn run_periodically(mut run: Run, stopping: CancellationToken) {
    let mut last_day = None::<Date>;
    let mut next = None;
    loop {
        let (today, now) = (run.today(), run.clock.steady());
        if last_day != Some(today) || next.is_none_or(|next| now >= next) {
            last_day = Some(today);
            next = now.checked_add(RETRY_INTERVAL).ok();
            run.run(RunTime { today, now }).await;
        }
        if stopping.run_until_cancelled(sleep(CHECK_INTERVAL)).await.is_none() {
            return;
        }
    }
}

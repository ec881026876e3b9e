//! The command `al-chat backup`, which copies the database while the service may be running.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::output::print;
use crate::{
    adapters::{
        session_log,
        storage::{BackupFailure, BackupSource},
    },
    foundation::config::Config,
};

/// The time to wait for logged turns to be written to the database. Usually that takes some milliseconds.
const TURNS_TIMEOUT: Duration = Duration::from_secs(5);

/// The time between two checks of the database.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The number of further attempts if a service starts or stops meanwhile.
const ATTEMPTS: usize = 4;

/// Copies the database to a file. The copy includes all turns that were answered before the command began.
pub(super) async fn make(config: &Config, file: &Path) -> Result<(), BackupFailure> {
    let mut attempts = 1..=ATTEMPTS;
    let (bytes, missing) = loop {
        match copy(config, file).await {
            Err(failure) if failure.is_momentary() && attempts.next().is_some() => sleep(POLL_INTERVAL).await,
            copied => break copied?,
        }
    };
    print(&format!("Backup: {} has {bytes} bytes.\n", file.display()));
    if missing > 0 {
        print(&format!(
            "Turns that are in the session log only: {missing}. al-chat adds them when it is started with this database and \
             that log.\n"
        ));
    }
    Ok(())
}

/// Copies the database once. Returns the number of bytes, and of turns that only the session log has.
async fn copy(config: &Config, file: &Path) -> Result<(u64, usize), BackupFailure> {
    let source = BackupSource::open(&config.database).await?;
    match wait_for_turns(config, &source).await {
        Ok(missing) => Ok((source.copy_to(file).await?, missing)),
        Err(failure) => {
            // Half of a change looks like damage.
            source.close().await?;
            Err(failure)
        }
    }
}

/// Waits until the turns that are in the session log now are in the database. Returns the number of those that are not when
/// the time is over.
async fn wait_for_turns(config: &Config, source: &BackupSource) -> Result<usize, BackupFailure> {
    let dir = &config.session_log.dir;
    let Some(log) = session_log::id_of(dir) else { return Ok(0) };
    // Without a readable log there are no turns to wait for.
    let awaited = session_log::uncounted_positions(dir, source.counted_lines(&log).await?).unwrap_or_default();
    let deadline = Instant::now() + TURNS_TIMEOUT;
    loop {
        let known = source.counted_lines(&log).await?;
        let left = awaited.iter().filter(|position| !known.contains(**position)).count();
        if left == 0 || Instant::now() >= deadline {
            return Ok(left);
        }
        sleep(POLL_INTERVAL).await;
    }
}

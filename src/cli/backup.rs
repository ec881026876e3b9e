//! `al-chat backup`: a copy of the database that can be made at any time.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::output::print;
use crate::{
    adapters::{
        session_log,
        storage::{BackupFailure, BackupSource},
    },
    domain::log_position::LogPosition,
    foundation::config::Config,
};

/// How long turns may take from the session log into the database. Ordinarily that is some milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether they are there.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Makes a backup of the database in this file. It has all turns that were answered when it began.
pub(super) async fn make(config: &Config, file: &Path) -> Result<(), BackupFailure> {
    let source = BackupSource::open(&config.database).await?;
    let outcome = copy(config, &source, file).await;
    source.close().await;
    outcome
}

async fn copy(config: &Config, source: &BackupSource, file: &Path) -> Result<(), BackupFailure> {
    let missing = await_turns(config, source).await?;
    let bytes = source.copy_to(file).await?;
    print(&format!("Backup: {} has {bytes} bytes.\n", file.display()));
    if missing > 0 {
        print(&format!(
            "Turns that are in the session log only: {missing}. al-chat adds them when it is started with this database and \
             that log.\n"
        ));
    }
    Ok(())
}

/// Waits until the turns that are in the session log by now are in the database. Returns how many are not.
async fn await_turns(config: &Config, source: &BackupSource) -> Result<usize, BackupFailure> {
    let dir = &config.session_log.dir;
    let Some(log) = session_log::id_of(dir) else { return Ok(0) };
    let missing = |known: &[LogPosition]| {
        // A log that cannot be read has no turns to wait for.
        let turns = session_log::turns_after(dir, known).unwrap_or_default();
        turns.into_iter().map(|(_, place)| place).collect::<Vec<_>>()
    };
    let awaited = missing(&source.log_positions(&log).await?);
    let latest = Instant::now() + PATIENCE;
    loop {
        let known = source.log_positions(&log).await?;
        let is_missing =
            |place: &&LogPosition| !known.iter().any(|known| known.date == place.date && known.end >= place.end);
        let left = awaited.iter().filter(is_missing).count();
        if left == 0 || Instant::now() >= latest {
            return Ok(left);
        }
        sleep(POLL_INTERVAL).await;
    }
}

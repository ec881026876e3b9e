//! Whether the database and the session log can be used, found out without leaving anything behind.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use super::super::output::{complain, print};
use crate::{
    adapters::storage::Storage,
    foundation::{clock::Clock, config, process_lock},
};

/// Looks at the database. One that a running server uses can be used.
pub(super) async fn check_database(settings: &config::Database) -> bool {
    match Storage::inspect(settings).await {
        Ok(inspection) => {
            let state = if inspection.is_in_use {
                "can be used; a server is running on it"
            } else if inspection.is_new {
                "is made at the start"
            } else {
                "can be used"
            };
            print(&format!("Database: {} {state}.\n", inspection.location));
            true
        }
        Err(failure) => {
            print(&format!("Database: cannot be used; {failure}.\n"));
            complain(&failure);
            false
        }
    }
}

/// Looks at the folder of the session log, and at the file of the day if there is one.
pub(super) fn check_log(settings: &config::SessionLog) -> bool {
    let dir = &settings.dir;
    let shown = dir.display();
    let clock = Clock::system(settings.timezone.clone());
    let (_, date) = clock.local(clock.now());
    match try_to_write(dir, &dir.join(format!("session_{date}.log"))) {
        Ok(()) => {
            let state = if process_lock::is_locked(&dir.join(".lock")) {
                "can be written; a running server does"
            } else if dir.is_dir() {
                "can be written"
            } else {
                "is made at the start"
            };
            print(&format!("Session log: the folder {shown} {state}.\n"));
            true
        }
        Err(error) => {
            print(&format!(
                "Session log: the folder {shown} cannot be written ({error}); check SESSION_LOG_DIR and its \
                 permissions.\n"
            ));
            false
        }
    }
}

/// Makes a file in the folder, or where the folder would be made, and removes it.
fn try_to_write(dir: &Path, file: &Path) -> io::Result<()> {
    if file.exists() {
        OpenOptions::new().append(true).open(file)?;
    }
    // `exists` is false also where a part of the path is a file.
    let place = dir.ancestors().find(|place| place.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let trial = place.join(format!(".al-chat-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&trial)?;
    fs::remove_file(trial)
}

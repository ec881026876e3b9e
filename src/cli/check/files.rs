//! Checks of the database and the session log. They leave no files behind.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use super::super::output::{print, print_error};
use crate::{
    adapters::{session_log, storage::Storage},
    foundation::{clock::Clock, config},
};

/// Checks whether the database can be opened, or is in use by a running server.
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
            print_error(&failure);
            false
        }
    }
}

/// Checks whether the folder of the session log can be written, and the file of the current day if it exists.
pub(super) fn check_log(settings: &config::SessionLog) -> bool {
    let dir = &settings.dir;
    let shown = dir.display();
    let clock = Clock::system(settings.timezone.clone());
    let (_, date) = clock.local(clock.now());
    match try_to_write(dir, &dir.join(format!("session_{date}.log"))) {
        Ok(()) => {
            let state = if session_log::is_in_use(dir) {
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

/// Creates and removes a file in the folder, or in the nearest existing parent if the folder is missing.
fn try_to_write(dir: &Path, file: &Path) -> io::Result<()> {
    if file.exists() {
        OpenOptions::new().append(true).open(file)?;
    }
    // `exists` would also be false if a part of the path is a file.
    let existing = dir.ancestors().find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let trial = existing.join(format!(".al-chat-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&trial)?;
    fs::remove_file(trial)
}

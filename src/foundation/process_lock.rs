//! What one process has to itself: a folder, a database. Told by a lock on a file, which ends with the process.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::{Duration, Instant},
};

use crate::foundation::file_access::FileAccess;

/// How long a predecessor may still hold its lock. The system lets go of a killed process's files a moment after it
/// says that the process has ended.
const HANDOVER: Duration = Duration::from_millis(500);

/// How often it is looked whether a lock is free.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The lock cannot be had.
#[derive(Debug)]
pub enum LockFailure {
    /// Another process has it.
    Taken,
    /// The file cannot be used.
    Unusable(io::Error),
}

/// Takes the lock on this file, which is made when it isn't there. Waits for a moment; meant for the start of a process.
pub fn take(path: &Path, access: FileAccess) -> Result<File, LockFailure> {
    let mut options = access.open_options();
    let file = options.create(true).append(true).read(true).open(path).map_err(LockFailure::Unusable)?;
    let latest = Instant::now() + HANDOVER;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(LockFailure::Unusable(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= latest => return Err(LockFailure::Taken),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

/// Whether another process has the lock on this file, which is not made.
#[must_use]
pub fn is_taken(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

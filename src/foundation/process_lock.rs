//! Lock files that give one process exclusive use of a folder or a database. The system releases a lock when its process
//! ends.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::{Duration, Instant},
};

use crate::foundation::file_access::FileAccess;

/// The time to wait for a lock that another process holds. The system may release the files of a killed process a moment
/// after it reports that process as ended.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// The time between two attempts to lock.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// An error of locking a file.
#[derive(Debug)]
pub enum LockFailure {
    /// Another process holds the lock.
    Locked,
    /// The file cannot be opened or locked.
    Unusable(io::Error),
}

/// Locks a file, which is created if it is missing. The lock is held until the returned file is closed. Blocks for up to
/// `LOCK_TIMEOUT`; for the start of a process.
pub fn lock(path: &Path, access: FileAccess) -> Result<File, LockFailure> {
    let mut options = access.open_options();
    let file = options.create(true).append(true).read(true).open(path).map_err(LockFailure::Unusable)?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(LockFailure::Unusable(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(LockFailure::Locked),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

/// Whether another process holds the lock on a file. A missing file is not created.
#[must_use]
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

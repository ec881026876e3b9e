//! Locks that give one process exclusive use of a folder or a database. The system releases a lock when its process ends.

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
    wait_for_lock(|| file.try_lock())?;
    Ok(file)
}

/// Whether another process holds the lock on a file. A missing file is not created.
#[must_use]
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn wait_for_lock(mut try_lock: impl FnMut() -> Result<(), TryLockError>) -> Result<(), LockFailure> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(LockFailure::Unusable(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(LockFailure::Locked),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

pub use byte_lock::{is_byte_locked, lock_byte, unlock_byte};

/// Locks on one byte, for a file that a library locks by itself: it is behind the end of any file, so that no lock of a
/// part of the content conflicts with it.
#[cfg(target_os = "linux")]
mod byte_lock {
    use std::{
        fs::{File, TryLockError},
        io,
    };

    use nix::{
        errno::Errno,
        fcntl::{FcntlArg, fcntl},
        libc,
    };

    use super::{LockFailure, wait_for_lock};

    /// The offset of the byte.
    const OFFSET: libc::off_t = 1 << 62;

    #[expect(clippy::cast_possible_truncation, reason = "the value is 1")]
    const LOCKED: libc::c_short = libc::F_WRLCK as libc::c_short;

    #[expect(clippy::cast_possible_truncation, reason = "the value is 2")]
    const UNLOCKED: libc::c_short = libc::F_UNLCK as libc::c_short;

    /// Locks the byte for writing. The file must be open for writing. The lock is held until the file is closed, or
    /// [`unlock_byte`] is called. It belongs to the open file, other than locks by `F_SETLK`, all of which the system
    /// releases when the process closes the file anywhere. Blocks like [`super::lock`].
    ///
    /// Succeeds also where such locks are unknown: on some file systems, and in some sandboxes.
    pub fn lock_byte(file: &File) -> Result<(), LockFailure> {
        wait_for_lock(|| match fcntl(file, FcntlArg::F_OFD_SETLK(&byte(LOCKED))) {
            Ok(_) | Err(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOLCK | Errno::ENOSYS) => Ok(()),
            Err(Errno::EAGAIN | Errno::EACCES) => Err(TryLockError::WouldBlock),
            Err(error) => Err(TryLockError::Error(io::Error::from(error))),
        })
    }

    /// Releases the lock, also if a child process that is being started has a copy of the open file.
    pub fn unlock_byte(file: &File) {
        // An error means that there is no lock.
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&byte(UNLOCKED)));
    }

    /// Whether another open file holds the lock on the byte.
    #[must_use]
    pub fn is_byte_locked(file: &File) -> bool {
        let mut found = byte(LOCKED);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found)).is_ok() && found.l_type != UNLOCKED
    }

    /// Describes the byte, locked or unlocked.
    fn byte(l_type: libc::c_short) -> libc::flock {
        libc::flock { l_type, l_whence: 0, l_start: OFFSET, l_len: 1, l_pid: 0 }
    }
}

/// On other systems there is no such lock: a lock file alone gives exclusive use.
#[cfg(not(target_os = "linux"))]
mod byte_lock {
    use std::fs::File;

    use super::LockFailure;

    /// Does nothing.
    pub fn lock_byte(_: &File) -> Result<(), LockFailure> {
        Ok(())
    }

    /// Does nothing.
    pub fn unlock_byte(_: &File) {}

    /// Returns false.
    #[must_use]
    pub fn is_byte_locked(_: &File) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_byte_lock_lasts_until_its_own_file_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let open = || FileAccess::Owner.open_options().create(true).append(true).read(true).open(&path).unwrap();
        let first = open();
        lock_byte(&first).unwrap();
        // Closing another file of the same path releases nothing.
        drop(open());
        assert!(is_byte_locked(&open()) && matches!(lock_byte(&open()), Err(LockFailure::Locked)));
        let copy = first.try_clone().unwrap();
        unlock_byte(&first);
        assert!(!is_byte_locked(&open()));
        lock_byte(&copy).unwrap();
        drop((first, copy));
        assert!(!is_byte_locked(&open()));
    }
}

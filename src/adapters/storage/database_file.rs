//! The open file of a SQLite database: locked for this process, and compared with the file at its path.
//!
//! SQLite writes on when its file has been deleted, and the system then discards everything with the end of the process.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    failure::StorageFailure,
    file_loss::FileLoss,
    lock_note,
    open_failure::DatabaseOpenFailure,
    sqlite_file::{LOCK_SUFFIX, MAGIC, RUN_MARK_OFFSET, RunMark, UnusableFile, WAL_SUFFIX, resolved},
};
use crate::foundation::{
    file_access::FileAccess,
    file_identity::FileIdentity,
    path_suffix::with_suffix,
    process_lock::{self, LockFailure, is_byte_locked, lock_byte, unlock_byte},
};

/// The first bytes of the database's header, up to the end of the mark.
type Header = [u8; RUN_MARK_OFFSET + size_of::<RunMark>()];

/// The file of a database that this process uses, and nobody else.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    /// The path without symbolic links.
    path: PathBuf,
    identity: FileIdentity,
    /// The identity of the file of the write-ahead log, which stays the same while a connection is open.
    wal: Option<FileIdentity>,
    /// The mark of this run.
    pub(super) mark: RunMark,
    /// Whether the header has the mark. A checkpoint writes it there.
    has_mark: AtomicBool,
    loss: Mutex<Option<FileLoss>>,
    /// The open files that hold the locks; `None` after [`Self::unlock`].
    locks: Mutex<Option<Locks>>,
}

/// Two locks, because each is missing in some cases. The lock file beside the database is another one for a second path to
/// the database: a hard link, or a file that is mounted on its own. Locks of the database itself are not known to all
/// systems.
///
/// The lock of the database itself must not be one of those that SQLite takes: the system releases these whenever the
/// process closes any descriptor of the file. Nor may it be one of the whole file: network file systems and the BSDs turn
/// that into one that conflicts with SQLite's.
#[derive(Debug)]
struct Locks {
    /// The file beside the database.
    beside: File,
    /// The database. SQLite's own locks end when this is closed, so it stays open as long as SQLite uses the file.
    database: File,
}

impl DatabaseFile {
    /// Makes the file if it is missing, and locks it for this process.
    pub(super) fn open(path: &Path, access: FileAccess) -> Result<Self, DatabaseOpenFailure> {
        let is_new = !path.exists();
        // SQLite makes its journal files with the permissions of this file.
        let opened = access.open_options().create(true).append(true).read(true).open(path);
        let database = opened.map_err(|error| UnusableFile::from_io(path, error))?;
        // All links to one file share one lock.
        let path = resolved(path);
        let unusable = |error| DatabaseOpenFailure::from(UnusableFile::from_io(&path, error));
        let refused = |failure| match failure {
            LockFailure::Locked => DatabaseOpenFailure::InUse(path.clone()),
            LockFailure::Unusable(error) => unusable(error),
        };
        let mut beside = process_lock::lock(&with_suffix(&path, LOCK_SUFFIX), access).map_err(refused)?;
        lock_byte(&database).map_err(refused)?;
        let identity = FileIdentity::of(&database.metadata().map_err(unusable)?);
        if is_new && beside.metadata().is_ok_and(|data| data.len() > 0) {
            warn_of_replacement(&path);
        }
        lock_note::remove_log(&mut beside).map_err(unusable)?;
        let locks = Mutex::new(Some(Locks { beside, database }));
        let (mark, has_mark) = (rand::random(), AtomicBool::new(false));
        Ok(Self { path, identity, wal: None, mark, has_mark, loss: Mutex::new(None), locks })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn wal_path(&self) -> PathBuf {
        with_suffix(&self.path, WAL_SUFFIX)
    }

    /// Notes that the database has its tables, and a connection that stays open.
    pub(super) fn set_made(&mut self) {
        self.wal = FileIdentity::at(&self.wal_path());
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((Locks { beside, .. }, wal)) = locks.as_mut().zip(self.wal) else { return };
        if let Err(error) = lock_note::write(beside, self.identity, wal) {
            tracing::warn!(%error, "the lock file of the database cannot be written; the next start writes it");
        }
    }

    /// Returns what [`Self::check`] has found last.
    pub(super) fn loss(&self) -> Option<FileLoss> {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for the file at its path. Returns what has happened to it, and writes a change of that to the diagnostics.
    pub(super) fn check(&self) -> Option<FileLoss> {
        let found = self.find_loss();
        let (before, found) = {
            let mut loss = self.loss.lock().unwrap_or_else(PoisonError::into_inner);
            let is_final = loss.is_some_and(FileLoss::is_of_content) && found != Some(FileLoss::Overwritten);
            let found = if is_final { *loss } else { found };
            (std::mem::replace(&mut *loss, found), found)
        };
        if found != before {
            self.report(found);
        }
        found
    }

    /// Fails if the file is not at its path any more. `look`: at its path now; otherwise by what [`Self::check`] has found
    /// last.
    pub(super) fn ensure_in_place(&self, look: bool) -> Result<(), StorageFailure> {
        let loss = if look { self.check() } else { self.loss() };
        loss.map_or(Ok(()), |loss| Err(StorageFailure::FileLost(loss)))
    }

    fn find_loss(&self) -> Option<FileLoss> {
        match fs::metadata(&self.path) {
            Ok(data) if FileIdentity::of(&data) != self.identity => Some(FileLoss::Replaced),
            Ok(data) if data.len() == 0 => Some(FileLoss::Emptied),
            Ok(_) => self.header().and_then(|header| self.find_loss_of_content(&header)).or_else(|| {
                let is_log_gone = self.wal.is_some() && FileIdentity::at(&self.wal_path()) != self.wal;
                is_log_gone.then_some(FileLoss::LogGone)
            }),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Some(FileLoss::Gone)
            }
            // Whatever prevents this look, such as a permission, does not prevent SQLite from using its open files.
            Err(_) => None,
        }
    }

    /// Returns what has happened to a file that begins with these bytes.
    fn find_loss_of_content(&self, header: &Header) -> Option<FileLoss> {
        if !header.starts_with(MAGIC) {
            // It was emptied, and a checkpoint that was running has written parts of it again.
            return Some(FileLoss::Emptied);
        }
        if header.ends_with(&self.mark) {
            self.has_mark.store(true, Ordering::Relaxed);
            return None;
        }
        self.has_mark.load(Ordering::Relaxed).then_some(FileLoss::Overwritten)
    }

    /// Reads the header by the open file: to close another one would end SQLite's locks.
    #[cfg(unix)]
    fn header(&self) -> Option<Header> {
        use std::os::unix::fs::FileExt;
        let mut header = [0; size_of::<Header>()];
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.as_ref()?.database.read_exact_at(&mut header, 0).ok()?;
        Some(header)
    }

    /// Elsewhere, only a file without any content counts as lost.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "the other system needs it")]
    fn header(&self) -> Option<Header> {
        None
    }

    fn report(&self, found: Option<FileLoss>) {
        let path = self.path.display();
        match found {
            None => tracing::warn!("the file {path} of DATABASE_URL is at its place again; turns are taken"),
            Some(loss) => tracing::error!(
                "the file {path} of DATABASE_URL {}: nothing is stored, and turns are refused; {}. Turns that only the session \
                 log has are counted then",
                loss.event(),
                self.remedy(loss)
            ),
        }
    }

    fn remedy(&self, loss: FileLoss) -> String {
        let path = self.path.display();
        match loss {
            FileLoss::Gone => format!(
                "either move the same file back, which needs no restart, or stop al-chat, put a backup there and start \
                 it{}",
                self.copy_command()
            ),
            FileLoss::Replaced => format!("restart it to use the new file{}", self.copy_command()),
            FileLoss::Emptied => "stop al-chat, put a backup there and start it".to_owned(),
            FileLoss::Overwritten => "stop al-chat, put the backup there once more and start it".to_owned(),
            FileLoss::LogGone => format!("{path} is complete, so just restart it"),
        }
    }

    /// Returns a hint how to copy a file that has no name any more, but is still open here.
    #[cfg(target_os = "linux")]
    fn copy_command(&self) -> String {
        use std::os::fd::AsRawFd;
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = |Locks { database, .. }: &Locks| {
            let (process, file, path) = (std::process::id(), database.as_raw_fd(), self.path.display());
            format!(" (while it runs, `cp /proc/{process}/fd/{file} '{path}.saved'` copies the lost content)")
        };
        locks.as_ref().map(copy).unwrap_or_default()
    }

    /// Elsewhere, there is no such way.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the other system needs it")]
    fn copy_command(&self) -> String {
        String::new()
    }

    /// Releases the locks, when SQLite has closed the file. Dropping the files is not enough: a child process that is being
    /// started may hold copies of them.
    pub(super) fn unlock(&self) {
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Locks { beside, database }) = locks {
            unlock_byte(&database);
            // An error means that the lock is gone already.
            let _ = beside.unlock();
        }
    }
}

fn warn_of_replacement(path: &Path) {
    let path = path.display();
    tracing::warn!(
        "the file {path} of DATABASE_URL, which an earlier start has made, is gone: a new, empty one was made. If that was \
         not intended, stop al-chat, put a backup there and start it: turns that were answered meanwhile are then counted \
         from the session log"
    );
}

/// Returns whether a process has locked the database at a path. A process that has opened it must not call this.
pub(super) fn is_in_use(path: &Path) -> bool {
    has_locked_byte(path) || has_lock_beside(path)
}

/// Returns whether a process has locked the database at a path, and has opened it by another path. A process that has opened it
/// must not call this.
pub(super) fn is_in_use_elsewhere(path: &Path) -> bool {
    has_locked_byte(path) && !has_lock_beside(path)
}

fn has_locked_byte(path: &Path) -> bool {
    File::open(path).is_ok_and(|database| is_byte_locked(&database))
}

fn has_lock_beside(path: &Path) -> bool {
    process_lock::is_locked(&with_suffix(&resolved(path), LOCK_SUFFIX))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_log_with_the_number_of_a_noted_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let new = |name: &str| {
            fs::write(dir.path().join(name), MAGIC).unwrap();
            dir.path().join(name)
        };
        let (path, replaced, later_log) = (new("app.db"), new("replaced"), new("log"));
        let wal = with_suffix(&path, WAL_SUFFIX);
        let access = FileAccess::Owner;
        let note = with_suffix(&path, LOCK_SUFFIX);
        let mut note = access.open_options().create(true).append(true).open(note).unwrap();
        let identity = |path| FileIdentity::at(path).unwrap();
        lock_note::write(&mut note, identity(&replaced), identity(&later_log)).unwrap();

        // A start with a restored backup ends before the database has its tables. Its log has the number of the old one.
        let file = DatabaseFile::open(&path, access).unwrap();
        fs::rename(&later_log, &wal).unwrap();
        drop(file);
        lock_note::set_foreign_log_aside(&path, access);
        assert!(wal.exists());
    }
}

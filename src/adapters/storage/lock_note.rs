//! The note in the lock file beside a SQLite database: that tables were made, in which file, and with which write-ahead log.
//! A later start reads in it whether an empty file was a database, and whether a log belongs to the file beside it.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    path::Path,
};

use super::sqlite_file::{LOCK_SUFFIX, SHM_SUFFIX, WAL_SUFFIX, resolved};
use crate::foundation::{file_access::FileAccess, file_identity::FileIdentity, path_suffix::with_suffix, process_lock};

/// The suffix of a write-ahead log that was set aside.
const ASIDE_SUFFIX: &str = "-wal.replaced";

/// The beginning of the note's last line.
const LOG_LINE: &str = "log ";

/// Writes the note to the lock file.
pub(super) fn write(lock: &mut File, database: FileIdentity, wal: FileIdentity) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all(text(database, wal).as_bytes())
}

/// Removes the log from the note in the lock file. To be called before a start makes a log, which may have the number of the
/// noted one if that was deleted: it would look like the log of another database until the note is written.
pub(super) fn remove_log(lock: &mut File) -> io::Result<()> {
    let mut noted = String::new();
    lock.rewind()?;
    lock.read_to_string(&mut noted)?;
    noted.find(LOG_LINE).map_or(Ok(()), |start| lock.set_len(start as u64))
}

fn text(database: FileIdentity, wal: FileIdentity) -> String {
    format!("al-chat has made the database beside this file\ndatabase {database}\n{LOG_LINE}{wal}\n")
}

/// Renames a write-ahead log that belongs to a file that is no longer at the path, such as one that was replaced by a backup
/// without a stop of the service. SQLite would apply it to the file that is there now, which damages that. If the log is
/// another file than the noted one, too, then both were copied together.
pub(super) fn set_foreign_log_aside(path: &Path, access: FileAccess) {
    let path = resolved(path);
    let (lock, wal) = (with_suffix(&path, LOCK_SUFFIX), with_suffix(&path, WAL_SUFFIX));
    if !is_foreign(&path, &lock, &wal) {
        return;
    }
    // A process that uses the log holds the lock.
    let Ok(_lock) = process_lock::lock(&lock, access) else { return };
    let aside = with_suffix(&path, ASIDE_SUFFIX);
    if is_foreign(&path, &lock, &wal) && fs::rename(&wal, &aside).is_ok() {
        // The index of the log, which SQLite makes anew. Fails if there is none.
        let _ = fs::remove_file(with_suffix(&path, SHM_SUFFIX));
        let (path, aside) = (path.display(), aside.display());
        tracing::warn!(
            "the file {path} of DATABASE_URL has replaced another one, whose write-ahead log is now {aside}: its last \
             changes are not in the new file; turns are counted from the session log"
        );
    }
}

fn is_foreign(path: &Path, lock: &Path, wal: &Path) -> bool {
    let Ok(noted) = fs::read_to_string(lock) else { return false };
    let Some((database, wal)) = FileIdentity::at(path).zip(FileIdentity::at(wal)) else { return false };
    noted.lines().any(|line| line == format!("{LOG_LINE}{wal}")) && noted != text(database, wal)
}

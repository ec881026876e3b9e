//! The folder of the session log, locked for this process.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use uuid::{NoContext, Timestamp, Uuid};

use super::{failure::LogOpenFailure, files::LOCK_FILE};
use crate::foundation::{
    file_access::FileAccess,
    file_identity::{has_name, is_at},
    process_lock::{self, LockFailure},
};

/// The folder of the session log, with its lock file, which also holds the log's id and the id of the last process.
#[derive(Debug)]
pub(super) struct LogFolder {
    /// The path without symbolic links: a link that another release moves does not lead this process elsewhere.
    pub(super) dir: PathBuf,
    pub(super) access: FileAccess,
    /// The lock, held until this is dropped.
    lock: File,
    /// The locks of folders that were moved while this process wrote there. They are held, too: the log has the same id
    /// there, and this process may not have counted all its turns yet.
    moved: Vec<File>,
    /// The log's id, unique among all session logs. It is made with the folder.
    pub(super) id: String,
    /// The id of this process, a UUIDv7 that is greater than those of all processes before.
    pub(super) instance: Uuid,
}

impl LogFolder {
    /// Creates the folder if it is missing, and locks it.
    pub(super) fn lock(dir: &Path, access: FileAccess) -> Result<Self, LogOpenFailure> {
        let unusable = |error| LogOpenFailure::Folder(dir.to_owned(), error);
        if dir.metadata().is_ok_and(|data| !data.is_dir()) || dir.ancestors().skip(1).any(Path::is_file) {
            return Err(LogOpenFailure::NotAFolder(dir.to_owned()));
        }
        access.create_folder(dir).map_err(unusable)?;
        let mut lock = process_lock::lock(&dir.join(LOCK_FILE), access).map_err(|failure| match failure {
            LockFailure::Locked => LogOpenFailure::InUse(dir.to_owned()),
            LockFailure::Unusable(error) => unusable(error),
        })?;
        let (id, instance) = identify(&mut lock).map_err(unusable)?;
        let dir = std::fs::canonicalize(dir).map_err(unusable)?;
        Ok(Self { dir, access, lock, moved: Vec::new(), id, instance })
    }

    /// Creates and locks the folder again if it was moved or deleted, with the same ids: the next start finds
    /// its lines there, and no other process can use it.
    pub(super) fn restore(&mut self) -> io::Result<()> {
        self.access.create_folder(&self.dir)?;
        let path = self.dir.join(LOCK_FILE);
        if is_at(&self.lock, &path) {
            return Ok(());
        }
        let mut lock = process_lock::lock(&path, self.access).map_err(|failure| match failure {
            LockFailure::Locked => io::Error::other("another process writes its session log in the folder"),
            LockFailure::Unusable(error) => error,
        })?;
        if lock.metadata()?.len() == 0 {
            write!(lock, "{}\n{}\n", self.id, self.instance)?;
        }
        self.moved.push(std::mem::replace(&mut self.lock, lock));
        self.moved.retain(has_name);
        Ok(())
    }

    /// Returns whether the folder at the path is the one that this process has locked.
    pub(super) fn is_in_place(&self) -> bool {
        is_at(&self.lock, &self.dir.join(LOCK_FILE))
    }

    /// Releases the locks. Dropping the files is not enough: a child process that is being started may hold copies of them.
    pub(super) fn unlock(&self) {
        for lock in self.moved.iter().chain([&self.lock]) {
            // An error means that the lock is gone already.
            let _ = lock.unlock();
        }
    }
}

/// Reads the log's id from the lock file, or makes one, and makes the id of this process. Writes both to the file: the
/// log's id is its first line, and is never rewritten.
fn identify(lock: &mut File) -> io::Result<(String, Uuid)> {
    let mut text = String::new();
    lock.read_to_string(&mut text)?;
    let mut lines = text.lines().map(str::trim);
    let stored = lines.next().filter(|id| !id.is_empty()).map(str::to_owned);
    let instance = next_instance(lines.filter_map(|line| line.parse().ok()).max());
    let id = if let Some(id) = stored {
        lock.set_len(id.len() as u64)?;
        id
    } else {
        let id = Uuid::new_v7(Timestamp::now(NoContext)).to_string();
        lock.set_len(0)?;
        write!(lock, "{id}")?;
        id
    };
    write!(lock, "\n{instance}\n")?;
    Ok((id, instance))
}

/// Returns a UUIDv7 of now, or of a millisecond after the previous one if the clock was set back.
fn next_instance(previous: Option<Uuid>) -> Uuid {
    let now = Uuid::new_v7(Timestamp::now(NoContext));
    match previous {
        Some(previous) if previous >= now => {
            let (seconds, nanos) = previous.get_timestamp().map_or((0, 0), |time| time.to_unix());
            let nanos = nanos + 1_000_000;
            let (seconds, nanos) = (seconds + u64::from(nanos / 1_000_000_000), nanos % 1_000_000_000);
            Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
        }
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_process_has_a_greater_id_in_the_same_log() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let folder = LogFolder::lock(dir.path(), FileAccess::Owner).unwrap();
            folder.unlock();
            (folder.id, folder.instance)
        };
        let first = open();
        let second = open();
        assert!(second.0 == first.0 && second.1 > first.1, "{first:?} {second:?}");
        // The clock was set back by a thousand years.
        let ahead = Uuid::new_v7(Timestamp::from_unix(NoContext, 34_000_000_000, 999_999_999));
        fs::write(dir.path().join(LOCK_FILE), format!("{}\n{ahead}\n", first.0)).unwrap();
        let third = open();
        assert!(third.0 == first.0 && third.1 > ahead && open().1 > third.1, "{third:?}");
        let text = fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn a_lock_file_of_an_earlier_version_gives_the_logs_id() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LOCK_FILE), "01a2\n").unwrap();
        assert_eq!(LogFolder::lock(dir.path(), FileAccess::Owner).unwrap().id, "01a2");
    }

    #[cfg(unix)]
    #[test]
    fn a_deleted_folder_is_locked_again_with_the_same_ids() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("log");
        let mut folder = LogFolder::lock(&dir, FileAccess::Owner).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        folder.restore().unwrap();
        assert!(process_lock::is_locked(&dir.join(LOCK_FILE)));
        let (id, instance) = (folder.id.clone(), folder.instance);
        drop(folder);
        let next = LogFolder::lock(&dir, FileAccess::Owner).unwrap();
        assert!(next.id == id && next.instance > instance);
    }
}

//! The file of a SQLite database, inspected before SQLite opens it and without writing anything.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use super::problem::DatabaseProblem;
use crate::foundation::{
    config::SqliteAddress,
    outage::{MayPass, Outage},
    path_suffix::{folder_of, with_suffix},
};

/// The bytes at the start of every SQLite file.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// The offset of the byte that holds the file format's read version. Its value is 2 for a database in WAL mode
/// (<https://sqlite.org/fileformat.html>).
const READ_VERSION_OFFSET: usize = 19;

/// The offset of the 4 bytes that SQLite leaves to programs and calls `user_version`. They hold the [`RunMark`].
pub(super) const RUN_MARK_OFFSET: usize = 60;

/// A number that each start writes into the header of the database. So the file of a running service differs from each backup
/// that was made before, and from those that `al-chat backup` makes.
pub(super) type RunMark = [u8; 4];

/// The length of a SQLite file's header in bytes.
pub(super) const HEADER_BYTES: u64 = 100;

/// The suffix of the lock file that al-chat makes beside a database.
pub(super) const LOCK_SUFFIX: &str = ".lock";

/// The suffix of the file in which SQLite keeps the write-ahead log (WAL) of a database.
pub(super) const WAL_SUFFIX: &str = "-wal";

/// The suffix of the file with the index of the write-ahead log, which the processes that use a database share.
pub(super) const SHM_SUFFIX: &str = "-shm";

/// The SQLite file of `DATABASE_URL` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableFile {
    /// The file's folder does not exist.
    #[error("the folder {folder} of DATABASE_URL does not exist; make it, or name another file{hint}")]
    NoFolder {
        /// The path of the folder.
        folder: PathBuf,
        /// A hint about an address that looks mistyped; empty without one.
        hint: &'static str,
    },
    /// The file does not exist, and `DATABASE_URL` forbids making it.
    #[error("the file {0} of DATABASE_URL does not exist; with mode=rw it is not made, without it is")]
    Missing(PathBuf),
    /// A folder in the file's path is a file.
    #[error("the file {0} of DATABASE_URL is not in a folder, but in a file; name another one")]
    NotInFolder(PathBuf),
    /// The path leads to a folder.
    #[error("{0} of DATABASE_URL is a folder; name a file in it, such as al-chat.db")]
    Folder(PathBuf),
    /// The path leads to a pipe, a device or another special file.
    #[error("{0} of DATABASE_URL is not an ordinary file; name another one")]
    Special(PathBuf),
    /// This user may not read and write the file.
    #[error("this user may not read and write the file {0} of DATABASE_URL; change its owner (chown), or name another")]
    NoPermission(PathBuf),
    /// This user may not read the file.
    #[error(
        "this user may not read the file {0} of DATABASE_URL; run the command as its owner, or change its permissions"
    )]
    NotReadable(PathBuf),
    /// This user may not make files in the file's folder.
    #[error(
        "this user may not make files in the folder {0} of DATABASE_URL, where SQLite needs some beside its database; \
         change the folder's owner (chown), or name another file"
    )]
    FolderNotWritable(PathBuf),
    /// The file system is read-only.
    #[error(
        "the file {0} of DATABASE_URL is on a read-only file system; name one on a writable file system (in a container, \
         on a volume)"
    )]
    ReadOnly(PathBuf),
    /// The file has content that is not a SQLite database.
    #[error("the file {0} of DATABASE_URL is not a SQLite database; it was left as it is, name another one")]
    NotSqlite(PathBuf),
    /// The file is empty, but was a database.
    #[error(
        "the file {0} of DATABASE_URL is empty, but it was a database: a crash or a full disk may have emptied it; put a \
         backup in its place, or remove the file to begin with a new database"
    )]
    Emptied(PathBuf),
    /// The operating system refuses for another reason.
    #[error("the file {0} of DATABASE_URL cannot be used")]
    Other(PathBuf, #[source] io::Error),
}

/// The content of the path where a database is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    /// No file, or an empty one.
    Absent,
    /// A SQLite database.
    Database(JournalFile),
}

/// The file beside a SQLite database that holds part of its content, while a process uses it and after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalFile {
    /// No such file: the database is complete.
    None,
    /// The write-ahead log: commits that are not in the database file yet.
    WriteAheadLog,
    /// A rollback journal: the content before a transaction that has not been committed.
    RollbackJournal,
}

/// Inspects the file at an address. Fails if al-chat could have no database there.
///
/// A process that has the database open must not call this: closing the file would release its locks.
pub(super) fn inspect(address: &SqliteAddress) -> Result<FileState, UnusableFile> {
    let path = &address.path;
    let refused = |error| UnusableFile::from_io(path, error);
    if !is_there(path)? {
        check_folder(address)?;
        return if address.create { Ok(FileState::Absent) } else { Err(UnusableFile::Missing(absolute(path))) };
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(refused)?;
    check_folder(address)?;
    state_of(path, &mut file)
}

/// Inspects the file at a path that is only to be read, for which neither the file nor its folder must be writable.
///
/// A process that has the database open must not call this, as with [`inspect`].
pub(super) fn inspect_to_read(path: &Path) -> Result<FileState, UnusableFile> {
    if !is_there(path)? {
        return Ok(FileState::Absent);
    }
    let mut file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => UnusableFile::NotReadable(absolute(path)),
        _ => UnusableFile::from_io(path, error),
    })?;
    state_of(path, &mut file)
}

/// Returns whether there is a file at a path. Fails if there is something else.
fn is_there(path: &Path) -> Result<bool, UnusableFile> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(UnusableFile::from_io(path, error)),
        Ok(data) if data.is_dir() => Err(UnusableFile::Folder(absolute(path))),
        Ok(data) if !data.is_file() => Err(UnusableFile::Special(absolute(path))),
        Ok(_) => Ok(true),
    }
}

fn state_of(path: &Path, file: &mut File) -> Result<FileState, UnusableFile> {
    let mut header = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut header).map_err(|error| UnusableFile::from_io(path, error))?;
    if header.is_empty() {
        return if was_database(&resolved(path)) {
            Err(UnusableFile::Emptied(absolute(path)))
        } else {
            Ok(FileState::Absent)
        };
    }
    if !header.starts_with(MAGIC) {
        return Err(UnusableFile::NotSqlite(absolute(path)));
    }
    let has_wal = header.get(READ_VERSION_OFFSET) == Some(&2);
    let (suffix, journal) =
        if has_wal { (WAL_SUFFIX, JournalFile::WriteAheadLog) } else { ("-journal", JournalFile::RollbackJournal) };
    let exists = with_suffix(&resolved(path), suffix).exists();
    Ok(FileState::Database(if exists { journal } else { JournalFile::None }))
}

/// Returns whether an empty file was a database, by what is beside it: the note in the lock file that tables were made, or
/// a write-ahead log, which SQLite makes only for a database with content. (SQLite would delete that log.) A rollback
/// journal says nothing: SQLite makes it before the first content. Nor do lines in the session log: their database may have
/// been another one.
fn was_database(path: &Path) -> bool {
    [LOCK_SUFFIX, WAL_SUFFIX]
        .iter()
        .any(|suffix| fs::metadata(with_suffix(path, suffix)).is_ok_and(|data| data.len() > 0))
}

/// Returns the path with all symbolic links resolved. SQLite makes its journal files beside the resolved file.
pub(super) fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Checks that a lock and journal files can be made in the database's folder.
fn check_folder(address: &SqliteAddress) -> Result<(), UnusableFile> {
    let path = &address.path;
    let folder = folder_of(path);
    match fs::metadata(folder) {
        Ok(data) if !data.is_dir() => return Err(UnusableFile::NotInFolder(absolute(path))),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let hint =
                if address.has_three_slashes { "; an absolute path takes four slashes: sqlite:////" } else { "" };
            return Err(UnusableFile::NoFolder { folder: absolute(folder), hint });
        }
        Err(error) => return Err(UnusableFile::from_io(path, error)),
    }
    ensure_writable(folder).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => UnusableFile::FolderNotWritable(absolute(folder)),
        _ => UnusableFile::from_io(path, error),
    })
}

/// Fails if this user may not make files in a folder.
#[cfg(unix)]
pub(super) fn ensure_writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Does nothing: the first file that cannot be made tells.
#[cfg(not(unix))]
pub(super) fn ensure_writable(_: &Path) -> io::Result<()> {
    Ok(())
}

impl MayPass for UnusableFile {
    /// Folders and permissions may come late, with a file system that is being mounted.
    fn outage(&self) -> Option<Outage> {
        let problem = match self {
            Self::NoFolder { .. } | Self::Missing(_) => DatabaseProblem::Missing,
            Self::NoPermission(_) | Self::FolderNotWritable(_) | Self::ReadOnly(_) => DatabaseProblem::ReadOnly,
            Self::Other(_, error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => DatabaseProblem::Full,
                _ => DatabaseProblem::Disk,
            },
            _ => DatabaseProblem::Other,
        };
        problem.outage()
    }
}

impl UnusableFile {
    /// Converts an error of the operating system that concerns the file at a path.
    pub(super) fn from_io(path: &Path, error: io::Error) -> Self {
        let path = absolute(path);
        match error.kind() {
            ErrorKind::PermissionDenied => Self::NoPermission(path),
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            ErrorKind::NotADirectory => Self::NotInFolder(path),
            ErrorKind::IsADirectory => Self::Folder(path),
            _ => Self::Other(path, error),
        }
    }
}

/// Returns the absolute path, for messages that are read without knowing the working directory.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_io_error_is_explained_with_a_remedy() {
        for (kind, remedy) in [
            (ErrorKind::PermissionDenied, "chown"),
            (ErrorKind::ReadOnlyFilesystem, "a writable file system"),
            (ErrorKind::NotADirectory, "name another one"),
            (ErrorKind::IsADirectory, "name a file in it"),
            (ErrorKind::StorageFull, "cannot be used"),
        ] {
            let text = UnusableFile::from_io(Path::new("/data/app.db"), kind.into()).to_string();
            assert!(text.contains("/data/app.db") && text.contains("DATABASE_URL") && text.contains(remedy), "{text}");
        }
    }
}

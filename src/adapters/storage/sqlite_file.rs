//! What is where the SQLite database should be, found out without writing anything.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use super::beside;
use crate::foundation::config::SqliteAddress;

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Where a SQLite file says by which version it can be read; 2 is one with a write-ahead log.
const READ_VERSION: usize = 19;

/// Bytes in front of everything else in a SQLite file.
const HEADER: u64 = 100;

/// The file of `DATABASE_URL` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableFile {
    /// Its folder doesn't exist.
    #[error("the folder {folder} of DATABASE_URL does not exist; make it, or name another file{hint}")]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// What may have been meant.
        hint: &'static str,
    },
    /// The file doesn't exist, and isn't to be made.
    #[error("the file {0} of DATABASE_URL does not exist; with mode=rw it is not made, without it is")]
    Missing(PathBuf),
    /// A part of the path is no folder.
    #[error("the file {0} of DATABASE_URL is not in a folder, but in a file; name another one")]
    NotInFolder(PathBuf),
    /// It is a folder.
    #[error("{0} of DATABASE_URL is a folder; name a file in it, such as al-chat.db")]
    Folder(PathBuf),
    /// It is a pipe, a device or the like.
    #[error("{0} of DATABASE_URL is not an ordinary file; name another one")]
    Special(PathBuf),
    /// This user may not use it.
    #[error("this user may not read and write the file {0} of DATABASE_URL; change its owner (chown), or name another")]
    NoPermission(PathBuf),
    /// This user may not make files beside it.
    #[error(
        "this user may not make files in the folder {0} of DATABASE_URL, where SQLite needs some beside its database; \
         change the folder's owner (chown), or name another file"
    )]
    FolderNotWritable(PathBuf),
    /// It is on a file system that cannot be written.
    #[error(
        "the file {0} of DATABASE_URL is on a read-only file system; name one on a writable file system (in a container, \
         on a volume)"
    )]
    ReadOnly(PathBuf),
    /// It is something else.
    #[error("the file {0} of DATABASE_URL is not a SQLite database; it was left as it is, name another one")]
    NotSqlite(PathBuf),
    /// The system refuses for another reason.
    #[error("the file {0} of DATABASE_URL cannot be used")]
    Other(PathBuf, #[source] io::Error),
}

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A SQLite database.
    Database(Beside),
}

/// What there is beside a SQLite file that belongs to it, as long as it is in use and after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing: the file alone is the database.
    Nothing,
    /// The log of what is to come into it.
    Log,
    /// The journal of how it was before.
    Journal,
}

/// Looks for the file. Fails if there can be no database of ours. Not to be called by a process that uses the database:
/// closing the file would end its locks.
pub(super) fn look(address: &SqliteAddress) -> Result<Found, UnusableFile> {
    let path = &address.path;
    let refused = |error| UnusableFile::of(path, error);
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            check_folder(address)?;
            if address.create { Ok(Found::Nothing) } else { Err(UnusableFile::Missing(shown(path))) }
        }
        Err(error) => Err(refused(error)),
        Ok(data) if data.is_dir() => Err(UnusableFile::Folder(shown(path))),
        Ok(data) if !data.is_file() => Err(UnusableFile::Special(shown(path))),
        Ok(_) => {
            let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(refused)?;
            check_folder(address)?;
            identify(path, &mut file)
        }
    }
}

fn identify(path: &Path, file: &mut File) -> Result<Found, UnusableFile> {
    let mut header = Vec::new();
    file.take(HEADER).read_to_end(&mut header).map_err(|error| UnusableFile::of(path, error))?;
    if header.is_empty() {
        return Ok(Found::Nothing);
    }
    if !header.starts_with(MAGIC) {
        return Err(UnusableFile::NotSqlite(shown(path)));
    }
    let has_wal = header.get(READ_VERSION) == Some(&2);
    let (suffix, kind) = if has_wal { ("-wal", Beside::Log) } else { ("-journal", Beside::Journal) };
    Ok(Found::Database(if beside(&real(path), suffix).exists() { kind } else { Beside::Nothing }))
}

/// The file that this path leads to, also by links: beside that one SQLite has its own files.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Files are made beside the database: a lock, the write-ahead log.
fn check_folder(address: &SqliteAddress) -> Result<(), UnusableFile> {
    let path = &address.path;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(data) if !data.is_dir() => return Err(UnusableFile::NotInFolder(shown(path))),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let hint =
                if address.has_three_slashes { "; an absolute path takes four slashes: sqlite:////" } else { "" };
            return Err(UnusableFile::NoFolder { folder: shown(folder), hint });
        }
        Err(error) => return Err(UnusableFile::of(path, error)),
    }
    ensure_writable(folder).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => UnusableFile::FolderNotWritable(shown(folder)),
        _ => UnusableFile::of(path, error),
    })
}

#[cfg(unix)]
fn ensure_writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn ensure_writable(_: &Path) -> io::Result<()> {
    Ok(())
}

impl UnusableFile {
    /// What this error means of this file.
    pub(super) fn of(path: &Path, error: io::Error) -> Self {
        let path = shown(path);
        match error.kind() {
            ErrorKind::PermissionDenied => Self::NoPermission(path),
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            ErrorKind::NotADirectory => Self::NotInFolder(path),
            ErrorKind::IsADirectory => Self::Folder(path),
            _ => Self::Other(path, error),
        }
    }
}

/// The path from the root, so that nobody has to know the working directory.
fn shown(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_system_has_a_remedy() {
        for (kind, remedy) in [
            (ErrorKind::PermissionDenied, "chown"),
            (ErrorKind::ReadOnlyFilesystem, "a writable file system"),
            (ErrorKind::NotADirectory, "name another one"),
            (ErrorKind::IsADirectory, "name a file in it"),
            (ErrorKind::StorageFull, "cannot be used"),
        ] {
            let said = UnusableFile::of(Path::new("/data/app.db"), kind.into()).to_string();
            assert!(said.contains("/data/app.db") && said.contains("DATABASE_URL") && said.contains(remedy), "{said}");
        }
    }
}

//! The identity of a file, which stays the same when the file is renamed, and its state, which does not when it is changed.

use std::{
    fmt,
    fs::{self, File, Metadata},
    path::Path,
};

/// The device and the number (inode) of a file. No other file has them while the file exists or is open.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

/// A file without a known identity: all files are taken for the same.
#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity;

#[cfg(unix)]
impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

#[cfg(not(unix))]
impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown")
    }
}

impl FileIdentity {
    /// Returns the identity of the file that has these metadata.
    #[cfg(unix)]
    #[must_use]
    pub fn of(data: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(data.dev(), data.ino())
    }

    /// Returns the identity of the file that has these metadata.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(_: &Metadata) -> Self {
        Self
    }

    /// Returns the identity of the file that has these metadata, by which it can be told from other files; `None` where it is not
    /// known.
    #[must_use]
    pub fn known(data: &Metadata) -> Option<Self> {
        cfg!(unix).then(|| Self::of(data))
    }

    /// Returns the identity of the file at a path; `None` if there is no file.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|data| Self::of(&data))
    }
}

/// The state of a file at one moment: which file it is, its length, and when it or its permissions were changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    identity: FileIdentity,
    length: u64,
    changed: ChangeTime,
}

/// The seconds and nanoseconds of the last change.
#[cfg(unix)]
type ChangeTime = (i64, i64);

/// The time of the last write, as far as the system tells it.
#[cfg(not(unix))]
type ChangeTime = Option<std::time::SystemTime>;

impl FileState {
    /// Returns the state of the file at a path; `None` if it cannot be looked at.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Self { identity: FileIdentity::of(&data), length: data.len(), changed: change_time(&data) })
    }
}

#[cfg(unix)]
fn change_time(data: &Metadata) -> ChangeTime {
    use std::os::unix::fs::MetadataExt;
    (data.ctime(), data.ctime_nsec())
}

#[cfg(not(unix))]
fn change_time(data: &Metadata) -> ChangeTime {
    data.modified().ok()
}

/// Returns whether an open file is the one at a path, and was not moved or deleted.
#[must_use]
pub fn is_at(file: &File, path: &Path) -> bool {
    let open = file.metadata().ok().map(|data| FileIdentity::of(&data));
    open.is_some() && open == FileIdentity::at(path)
}

/// Returns whether an open file still has a name, so that another process can open it.
#[cfg(unix)]
#[must_use]
pub fn has_name(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|data| data.nlink() > 0)
}

/// Returns whether an open file still has a name, which is not known here.
#[cfg(not(unix))]
#[must_use]
pub fn has_name(_: &File) -> bool {
    true
}

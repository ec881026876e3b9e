//! A SQLite file that no process uses. It can be read without locks and without making files beside it, as long as that stays so.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    database_file::is_in_use,
    sqlite_file::{HEADER_BYTES, WAL_SUFFIX, resolved},
};
use crate::foundation::{file_identity::FileIdentity, path_suffix::with_suffix};

/// A file that no process used when this was made, and by what a later use shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnusedFile {
    path: PathBuf,
    identity: FileIdentity,
    length: u64,
    modified: Option<SystemTime>,
    /// The header, with the mark of the last run.
    header: Vec<u8>,
}

impl UnusedFile {
    /// Returns the file at a path if no process has locked it, and it is complete without a write-ahead log. A process that has
    /// opened the file with locks must not call this.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let wal = with_suffix(&resolved(path), WAL_SUFFIX);
        if is_in_use(path) || fs::metadata(wal).is_ok_and(|data| data.len() > 0) {
            return None;
        }
        let file = File::open(path).ok()?;
        let data = file.metadata().ok()?;
        let mut header = Vec::new();
        file.take(HEADER_BYTES).read_to_end(&mut header).ok()?;
        let (identity, length) = (FileIdentity::of(&data), data.len());
        Some(Self { path: path.to_owned(), identity, length, modified: data.modified().ok(), header })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether still no process uses the file, and none has since this was made.
    pub(super) fn is_unused(&self) -> bool {
        Self::at(&self.path).as_ref() == Some(self)
    }
}

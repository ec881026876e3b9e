//! A file as it was when it was read.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::civil::Date;

use crate::foundation::file_identity::FileIdentity;

/// A file of the session log that is to be compressed or deleted, and its state when it was opened. It stays open, so that no
/// other file can have its identity.
#[derive(Debug)]
pub struct KnownFile {
    path: PathBuf,
    date: Date,
    file: File,
    identity: FileIdentity,
    length: u64,
}

impl KnownFile {
    /// Opens a file of a day.
    pub fn open(path: &Path, date: Date) -> io::Result<Self> {
        let file = File::open(path)?;
        let opened = file.metadata()?;
        Ok(Self { path: path.to_owned(), date, file, identity: FileIdentity::of(&opened), length: opened.len() })
    }

    /// Returns whether the file is at its path and has its length.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|data| FileIdentity::of(&data) == self.identity && data.len() == self.length)
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(in super::super) fn date(&self) -> Date {
        self.date
    }

    /// Returns the open file. Whoever reads it moves its position.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the length in bytes when the file was opened.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the time of the last write to the file.
    pub(super) fn modified(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }
}

//! One file of a session log.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::foundation::{
    compression::Compression,
    file_identity::FileIdentity,
    path_suffix::{folder_of, with_suffix},
};

/// A file of a session log, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The path, as it was given or found in the given folder.
    pub path: PathBuf,
    /// The day in the file's name; `None` for a name of another form, and for a compression that cannot be read.
    pub date: Option<Date>,
    /// The format of the file's bytes, by the end of its name; by its first bytes if that says nothing.
    pub compression: Compression,
    /// The length in bytes when the file was found; `None` for a pipe.
    pub length: Option<u64>,
    /// The number that a rotation has appended to the name; `None` for a file that was not rotated.
    pub(super) rotation: Option<u64>,
    /// Whether another program has appended something else to the name of the day, such as a date.
    pub(super) is_renamed: bool,
    /// The identity when the file was found; `None` for a pipe, and where it is not known.
    pub(super) identity: Option<FileIdentity>,
}

/// The endings of files that are compressed in ways that cannot be read.
const OTHER_ENDINGS: [&str; 9] = [".7z", ".br", ".bz2", ".lz", ".lz4", ".lzma", ".xz", ".Z", ".zip"];

impl LogFile {
    pub(super) fn new(path: PathBuf, length: Option<u64>) -> Self {
        let (compression, rest) = Compression::split_name(file_name(&path));
        let (date, ending) = split_day(rest).unzip();
        let ending = ending.unwrap_or_default();
        let rotation = ending.strip_prefix('.').and_then(|number| number.parse().ok());
        let is_renamed = !ending.is_empty() && rotation.is_none();
        Self { date, compression, length, rotation, is_renamed, identity: None, path }
    }

    /// Returns the file at a path as it is now. It is opened, so it must not be a pipe.
    pub(super) fn at(path: PathBuf) -> io::Result<Self> {
        let open = File::open(&path)?;
        let data = open.metadata()?;
        let mut file = Self::new(path, Some(data.len()));
        file.identity = FileIdentity::known(&data);
        file.compression = file.compression_of(&open)?;
        Ok(file)
    }

    /// Opens the file at its path, or under the name that it gets when it is compressed.
    pub(super) fn open(&self) -> io::Result<File> {
        match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => open_compressed(&self.path).ok_or(error),
            opened => opened,
        }
    }

    /// Returns the compression of the bytes of an open file that has this name.
    pub(super) fn compression_of(&self, open: &File) -> io::Result<Compression> {
        let (named, _) = Compression::split_name(file_name(&self.path));
        // A pipe has no positions to read its start twice.
        let is_told_by_start = named == Compression::None && self.length.is_some();
        if is_told_by_start { Compression::of(open) } else { Ok(named) }
    }

    /// Returns whether this is a file that was found before, under this name or another one of the same day. A new file may have
    /// the identity of a deleted one.
    pub(super) fn is_same(&self, found: &Self) -> bool {
        let is_identity = self.identity.is_some() && self.identity == found.identity;
        is_identity && self.date == found.date && self.length >= found.length
    }

    /// Returns whether an open file is this one.
    pub(super) fn is_opened_as(&self, data: &Metadata) -> bool {
        self.identity == FileIdentity::known(data) && Some(data.len()) >= self.length
    }

    /// Returns the folder of the file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Returns the key for the order in which the files of a log were written: by day; of one day, rotated files are older.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let rotation = std::cmp::Reverse(self.rotation);
        let is_rotated = self.rotation.is_some() || self.is_renamed;
        (self.date.is_none(), self.date, !is_rotated, rotation, self.compression == Compression::None)
    }
}

/// Opens the compressed file that has replaced a plain one.
fn open_compressed(path: &Path) -> Option<File> {
    let named = |compression: Compression| with_suffix(path, compression.ending());
    Compression::ALL.map(named).iter().find_map(|name| File::open(name).ok())
}

/// Returns the file's name; an empty text if it is not UTF-8.
fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Splits a name into the day of `session_YYYY-MM-DD.log` and the ending that another program has appended, which begins with `.`,
/// `-` or `_`; `None` for other names, and for endings of compressed files that cannot be read.
fn split_day(name: &str) -> Option<(Date, &str)> {
    let (date, ending) = name.strip_prefix("session_")?.split_once(".log")?;
    let date = if date.len() == 10 { date.parse().ok()? } else { return None };
    let is_ending = ending.is_empty() || ending.starts_with(['.', '-', '_']);
    (is_ending && !OTHER_ENDINGS.iter().any(|other| ending.ends_with(other))).then_some((date, ending))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn names_give_day_rotation_and_compression() {
        let named = |name: &str| {
            let file = LogFile::new(name.into(), None);
            (file.date, file.rotation, file.compression)
        };
        let day = Some(date(2026, 11, 29));
        assert_eq!(named("a/session_2026-11-29.log"), (day, None, Compression::None));
        assert_eq!(named("session_2026-11-29.log.gz"), (day, None, Compression::Gzip));
        assert_eq!(named("session_2026-11-29.log.2.zst"), (day, Some(2), Compression::Zstd));
        for renamed in ["-20261130", "-20261130.gz", ".old", "_1", ".2.old.zst"] {
            let file = LogFile::new(format!("session_2026-11-29.log{renamed}").into(), None);
            assert_eq!((file.date, file.rotation, file.is_renamed), (day, None, true), "{renamed}");
        }
        for other in [
            "session_2026-11-29.logs",
            "session_2026-11-29.log.1.xz",
            "session_2026-11-31.log",
            "session_20261129.log",
            "notes.log",
            "",
        ] {
            assert_eq!(named(other), (None, None, Compression::None), "{other}");
        }
    }
}

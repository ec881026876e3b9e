//! One file of a session log.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

/// A file of a session log, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The path, as it was given or found in the given folder.
    pub path: PathBuf,
    /// The day in the file's name; `None` for a name of another form.
    pub date: Option<Date>,
    /// The format of the file's bytes.
    pub compression: Compression,
    /// The length in bytes when the file was found; `None` for a pipe.
    pub length: Option<u64>,
    /// The number of times that the file was rotated by another program, which appends it to the name; 0 for none.
    pub(super) rotation: u64,
}

/// The compression of a file, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Plain text.
    None,
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
}

impl LogFile {
    pub(super) fn new(path: PathBuf, length: Option<u64>) -> Self {
        let (compression, rest) = split_compression(file_name(&path));
        let (date, rotation) = split_rotation(rest).unzip();
        Self { date, compression, length, rotation: rotation.unwrap_or_default(), path }
    }

    /// Returns the folder of the file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Returns the key for the order in which the files of a log were written: by day; of one day, rotated files are older.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let rotation = std::cmp::Reverse(self.rotation);
        (self.date.is_none(), self.date, rotation, self.compression == Compression::None)
    }
}

/// Returns the folder of a file; `.` for a name alone.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the file's name; an empty text if it is not UTF-8.
fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn split_compression(name: &str) -> (Compression, &str) {
    let endings = [(".gz", Compression::Gzip), (".zst", Compression::Zstd)];
    let found = endings.into_iter().find_map(|(ending, compression)| Some((compression, name.strip_suffix(ending)?)));
    found.unwrap_or((Compression::None, name))
}

/// Splits a name of the form `session_YYYY-MM-DD.log` or `session_YYYY-MM-DD.log.NUMBER`.
fn split_rotation(name: &str) -> Option<(Date, u64)> {
    let (date, rotation) = name.strip_prefix("session_")?.split_once(".log")?;
    let date = if date.len() == 10 { date.parse().ok()? } else { return None };
    match rotation.strip_prefix('.') {
        Some(number) => Some((date, number.parse().ok()?)),
        None => rotation.is_empty().then_some((date, 0)),
    }
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
        assert_eq!(named("a/session_2026-11-29.log"), (day, 0, Compression::None));
        assert_eq!(named("session_2026-11-29.log.gz"), (day, 0, Compression::Gzip));
        assert_eq!(named("session_2026-11-29.log.2.zst"), (day, 2, Compression::Zstd));
        for other in ["session_2026-11-29.log.part", "session_2026-11-31.log", "session_20261129.log", "notes.log", ""]
        {
            assert_eq!(named(other), (None, 0, Compression::None), "{other}");
        }
    }
}

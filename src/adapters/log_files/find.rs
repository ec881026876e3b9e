//! Finds the files of session logs.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use super::log_file::LogFile;

/// The most listings of a folder whose files are renamed meanwhile.
const MAX_LISTINGS: usize = 8;

/// The files of a session log could not be found or opened.
#[derive(Debug, thiserror::Error)]
pub enum FindFailure {
    /// No file or folder has this path.
    #[error("there is no file or folder {0}")]
    Missing(PathBuf),
    /// The path is used as a folder, but leads to a file.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// A file or folder cannot be read.
    #[error("{0} cannot be read; check its permissions and its disk")]
    Unreadable(PathBuf, #[source] io::Error),
    /// The folder has no file of a session log.
    #[error(
        "the folder {0} has no session log: no file is named session_YYYY-MM-DD.log, with or without .gz or .zst at its end"
    )]
    NoLog(PathBuf),
}

impl FindFailure {
    fn new(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing(path.to_owned()),
            ErrorKind::NotADirectory => Self::NotAFolder(file_above(path)),
            _ => Self::Unreadable(path.to_owned(), error),
        }
    }
}

/// Returns the file that is used as a folder in a path; the path itself if that is one.
fn file_above(path: &Path) -> PathBuf {
    let is_file = |path: &&Path| fs::metadata(path).is_ok_and(|data| !data.is_dir());
    path.ancestors().skip(1).find(is_file).unwrap_or(path).to_owned()
}

/// Returns the files at `paths`, and the daily files in the folders at `paths`, in the order in which they were written.
/// Files whose names have no day come last. A file that is reached by several paths is returned once.
pub fn find(paths: &[PathBuf]) -> Result<Vec<LogFile>, FindFailure> {
    let mut files = Vec::new();
    for path in paths {
        let data = metadata(path)?;
        if data.is_dir() { files.extend(in_folder(path, all_openable)?) } else { files.push(openable(path, &data)?) }
    }
    Ok(in_order(files))
}

/// Returns the daily files in a folder, in the order in which they were written.
pub fn find_in(folder: &Path) -> Result<Vec<LogFile>, FindFailure> {
    in_folder(folder, all_openable).map(in_order)
}

/// Returns the daily files in a folder, in the order in which they were written, also those that cannot be opened, and links
/// that lead to nothing, but not those to whose names another program has appended more than a number.
pub fn list_in(folder: &Path) -> Result<Vec<LogFile>, FindFailure> {
    in_folder(folder, |paths| Ok(all_named(paths.iter()))).map(in_order)
}

/// Returns the files of one day in a folder as [`list_in`] does. No others are opened.
pub(super) fn list_day_in(folder: &Path, day: Date) -> Result<Vec<LogFile>, FindFailure> {
    let is_of_day = |path: &&PathBuf| LogFile::new((*path).clone(), None).date == Some(day);
    in_folder(folder, |paths| Ok(all_named(paths.iter().filter(is_of_day)))).map(in_order)
}

/// Returns the files in a folder that are none of its log by their names, in the order of these. Hidden ones are left out.
#[must_use]
pub fn other_files_in(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let is_other =
        |path: &PathBuf| !is_hidden(path) && LogFile::new(path.clone(), None).date.is_none() && path.is_file();
    paths.filter(is_other).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the daily files in a folder, at least one, in any order. A file that is renamed meanwhile, as when it is compressed,
/// is returned once.
fn in_folder(
    folder: &Path,
    open_all: impl Fn(&BTreeSet<PathBuf>) -> Result<Vec<LogFile>, FindFailure>,
) -> Result<Vec<LogFile>, FindFailure> {
    let mut paths = list(folder)?;
    let mut files = open_all(&paths);
    for _ in 1..MAX_LISTINGS {
        let listed = list(folder)?;
        if listed == paths {
            break;
        }
        paths = listed;
        files = open_all(&paths);
    }
    let files = files?;
    if files.is_empty() { Err(FindFailure::NoLog(folder.to_owned())) } else { Ok(files) }
}

/// Returns the paths in a folder whose names are those of daily files.
fn list(folder: &Path) -> Result<BTreeSet<PathBuf>, FindFailure> {
    let failure = |error| FindFailure::new(folder, error);
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        if LogFile::new(path.clone(), None).date.is_some() {
            paths.insert(path);
        }
    }
    Ok(paths)
}

/// Returns those of the paths that lead to files.
fn all_openable(paths: &BTreeSet<PathBuf>) -> Result<Vec<LogFile>, FindFailure> {
    let mut files = Vec::new();
    for path in paths {
        let data = metadata(path)?;
        if data.is_file() {
            files.push(openable(path, &data)?);
        }
    }
    Ok(files)
}

/// Returns all paths but those that lead to something else than a file. A file that cannot be opened has the compression that
/// its name says.
fn all_named<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<LogFile> {
    let named = |path: &PathBuf| match fs::metadata(path) {
        Ok(data) if !data.is_file() => None,
        Ok(data) => Some(openable(path, &data).unwrap_or_else(|_| LogFile::new(path.clone(), Some(data.len())))),
        Err(_) => Some(LogFile::new(path.clone(), None)),
    };
    paths.filter_map(named).filter(|file| !file.is_renamed).collect()
}

fn metadata(path: &Path) -> Result<Metadata, FindFailure> {
    fs::metadata(path).map_err(|error| FindFailure::new(path, error))
}

/// Returns the file, which can be opened. A pipe is not tried, since its writer would notice.
fn openable(path: &Path, data: &Metadata) -> Result<LogFile, FindFailure> {
    if !data.is_file() {
        return Ok(LogFile::new(path.to_owned(), None));
    }
    LogFile::at(path.to_owned()).map_err(|error| FindFailure::new(path, error))
}

fn in_order(mut files: Vec<LogFile>) -> Vec<LogFile> {
    let mut known = HashSet::new();
    files.retain(|file| known.insert(canonical(&file.path)));
    files.sort_by_key(LogFile::order);
    files
}

/// Returns the path without links; unchanged if it leads to nothing.
pub(super) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[LogFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn a_folder_gives_its_days_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let days = [
            "session_2026-01-02.log",
            "session_2026-01-01.log.zst",
            "session_2026-01-02.log.1",
            "session_2026-01-02.log.10.gz",
            "session_2026-01-03.log.gz",
            "session_2026-01-03.log",
            "session_2026-01-02.log-20260103",
            "session_2026-01-02.log.old",
        ];
        let others = ["notes.txt", "session_2026-01-04.log.xz", "session_2026-01-04.logs"];
        for name in days.into_iter().chain([".lock"]).chain(others) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        fs::create_dir(dir.path().join("session_2026-01-05.log")).unwrap();
        let files = find_in(dir.path()).unwrap();
        let expected = [days[1], days[3], days[2], days[6], days[7], days[0], days[4], days[5]];
        assert_eq!(names(&files), expected);
        assert_eq!(other_files_in(dir.path()), others.map(|name| dir.path().join(name)));
        // Files that other programs have renamed are read, but not compressed or deleted.
        let listed = [days[1], days[3], days[2], days[0], days[4], days[5]];
        assert_eq!(names(&list_in(dir.path()).unwrap()), listed);
        assert_eq!(files[0].length, Some(1));
        // A file that is given by itself, too, is read once.
        let also = [dir.path().join("notes.txt"), dir.path().join("session_2026-01-02.log"), dir.path().to_owned()];
        let expected = expected.into_iter().chain(["notes.txt"]).collect::<Vec<_>>();
        assert_eq!(names(&find(&also).unwrap()), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_listed_but_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink(path("nothing"), path("session_2026-01-01.log")).unwrap();
        fs::write(path("session_2026-01-02.log"), "x").unwrap();
        assert_eq!(names(&list_in(dir.path()).unwrap()), ["session_2026-01-01.log", "session_2026-01-02.log"]);
        assert!(matches!(find_in(dir.path()), Err(FindFailure::Missing(_))));
    }

    #[test]
    fn wrong_paths_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("session_2026-01-02.log");
        let failed = |path: &Path| find(&[path.to_owned()]).unwrap_err().to_string();
        assert!(failed(&file).starts_with("there is no file or folder /"), "{}", failed(&file));
        assert!(failed(dir.path()).contains("has no session log"), "{}", failed(dir.path()));
        fs::write(&file, "").unwrap();
        for below in [file.join("x"), file.join("x").join("y")] {
            assert!(failed(&below).ends_with("/session_2026-01-02.log is not a folder"), "{}", failed(&below));
        }
        assert!(matches!(find_in(&file), Err(FindFailure::NotAFolder(_))));
    }
}

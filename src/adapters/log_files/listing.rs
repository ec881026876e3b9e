//! The files of a followed log that are in its folder.

use std::{
    cmp::Reverse,
    collections::HashSet,
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use super::{find::canonical, log_file::LogFile};
use crate::foundation::{compression::Compression, file_identity::FileIdentity, path_suffix::folder_of};

/// The length of the name of a day's file, `session_YYYY-MM-DD.log`.
const DAY_NAME: usize = "session_2026-11-29.log".len();

/// The place of a followed log.
#[derive(Debug)]
pub(super) struct Watched {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The name of a file that is given by itself; `None` for all days.
    pub(super) file: Option<String>,
}

/// A plain file in the folder.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) identity: FileIdentity,
    /// The name without what a rotation has appended to it.
    pub(super) name: String,
    pub(super) is_rotated: bool,
    rotation: Option<u64>,
    pub(super) length: u64,
}

impl Watched {
    fn new(path: &Path, is_folder: bool) -> Self {
        if is_folder {
            return Self { folder: path.to_owned(), file: None };
        }
        let file = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
        Self { folder: folder_of(path).to_owned(), file: Some(file) }
    }

    /// Returns the name of a followed file without what a rotation has appended to it; `None` if it is not followed.
    pub(super) fn base_name<'p>(&self, path: &'p Path) -> Option<&'p str> {
        let name = path.file_name()?.to_str()?;
        let base = match &self.file {
            Some(file) => name.get(..file.len()).filter(|start| start == file)?,
            None => name.get(..DAY_NAME).filter(|start| is_day(start))?,
        };
        let is_base = |rest: &str| rest.is_empty() || rest.starts_with(['.', '-', '_']);
        is_base(&name[base.len()..]).then_some(base)
    }

    /// Returns the plain files in the order in which they were written: by day, the oldest rotated file of a day first.
    pub(super) fn list(&self) -> io::Result<Vec<Listed>> {
        let entries = fs::read_dir(&self.folder)?;
        let mut files = entries.filter_map(|entry| self.listed(entry.ok()?.path())).collect::<Vec<_>>();
        files.sort_by(|file, other| file.order().cmp(&other.order()));
        Ok(files)
    }

    fn listed(&self, path: PathBuf) -> Option<Listed> {
        let name = self.base_name(&path)?.to_owned();
        let LogFile { path, compression: Compression::None, rotation, .. } = LogFile::new(path, None) else {
            return None;
        };
        let data = fs::metadata(&path).ok().filter(Metadata::is_file)?;
        let is_rotated = path.file_name() != Some(OsStr::new(&name));
        Some(Listed { identity: FileIdentity::of(&data), name, is_rotated, rotation, length: data.len(), path })
    }
}

impl Listed {
    fn order(&self) -> impl Ord {
        (&self.name, !self.is_rotated, Reverse(self.rotation), &self.path)
    }
}

/// Returns the places at the paths, each once: a file in a folder that is given, too, belongs to that.
pub(super) fn places(paths: &[PathBuf]) -> Vec<(&PathBuf, Watched)> {
    let is_folder = |path: &Path| fs::metadata(path).is_ok_and(|data| data.is_dir());
    let folders = paths.iter().filter(|path| is_folder(path)).map(|path| canonical(path)).collect::<HashSet<_>>();
    let mut known = HashSet::new();
    let mut places = Vec::new();
    for path in paths {
        let (whole, is_folder) = (canonical(path), is_folder(path));
        let is_in_folder = !is_folder
            && whole.parent().is_some_and(|folder| folders.contains(folder))
            && Watched { folder: PathBuf::new(), file: None }.base_name(&whole).is_some();
        if !is_in_folder && known.insert(whole) {
            places.push((path, Watched::new(path, is_folder)));
        }
    }
    places
}

fn is_day(name: &str) -> bool {
    LogFile::new(name.into(), None).date.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_have_the_name_of_their_day() {
        let base = |watched: &Watched, name: &str| watched.base_name(Path::new(name)).map(str::to_owned);
        let folder = Watched::new(Path::new("SessionLog"), true);
        let day = Some("session_2026-11-29.log".to_owned());
        for name in ["", ".1", "-20261130", ".old", ".2.gz"].map(|ending| format!("session_2026-11-29.log{ending}")) {
            assert_eq!(base(&folder, &name), day, "{name}");
        }
        for name in ["session_2026-11-31.log", "session_2026-11-29.logs", ".lock", "notes.txt", "session_ü"] {
            assert_eq!(base(&folder, name), None, "{name}");
        }
        let file = Watched::new(Path::new("all.jsonl"), false);
        assert_eq!((file.folder.as_path(), base(&file, "all.jsonl.1")), (Path::new("."), Some("all.jsonl".to_owned())));
        assert_eq!(base(&file, "session_2026-11-29.log"), None);
    }

    #[test]
    fn a_log_that_is_given_twice_is_followed_once() {
        let dir = tempfile::tempdir().unwrap();
        let [day, notes] = ["session_2026-11-29.log", "notes.log"].map(|name| dir.path().join(name));
        fs::write(&day, "").unwrap();
        fs::write(&notes, "").unwrap();
        let folder = dir.path().to_owned();
        let given = [day.clone(), folder.join("."), notes.clone(), folder.clone(), notes.clone()];
        let found = places(&given).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        assert_eq!(found, [&folder.join("."), &notes]);
        assert_eq!(places(&[day.clone(), day]).len(), 1);
    }
}

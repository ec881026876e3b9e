//! Files of the session log under the names that logrotate gives them, and their order.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::line::{Line, parse};

/// Returns the files of a log's folder.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file"));
    let visible = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    visible.map(|entry| entry.path()).collect()
}

/// Renames the daily files: `.log` to `.log.1`, and before that `.log.1` to `.log.2` and so on.
pub fn rotate(folder: &Path) {
    for (day, rotated) in with_room(folder) {
        fs::rename(day, rotated).expect("a renamed file");
    }
}

/// Copies the daily files to `.log.1`, and before that renames `.log.1` to `.log.2` and so on. Returns files and copies.
pub fn copy_days(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let days = with_room(folder);
    for (day, copy) in &days {
        fs::copy(day, copy).expect("a copy");
    }
    days
}

/// Empties a daily file. Returns the lines that are not in its copy. A part of a line at the end of the copy is removed from
/// it, since it is a damage of its own.
pub fn empty(day: &Path, copy: &Path) -> Vec<Line> {
    let copied = fs::read(copy).expect("a copy");
    let whole = copied.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    File::options().write(true).open(copy).and_then(|copy| copy.set_len(whole as u64)).expect("a copy");
    let file = File::options().read(true).write(true).open(day).expect("a file");
    let mut rest = vec![0; usize::try_from(file.metadata().expect("its length").len()).expect("a length") - whole];
    file.read_exact_at(&mut rest, whole as u64).expect("lines");
    file.set_len(0).expect("an empty file");
    parse(&rest)
}

/// Returns the daily files with lines, each with the path of the last rotated one, which is free now.
fn with_room(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut files = files_in(folder);
    files.sort_by_key(|path| std::cmp::Reverse(rotation(path)));
    let has_lines = |path: &PathBuf| fs::metadata(path).expect("a file").len() > 0;
    let days = files.iter().filter(|path| rotation(path) == 0 && has_lines(path)).cloned().collect::<Vec<_>>();
    for path in files.iter().filter(|path| rotation(path) > 0 && days.contains(&numbered(path, 0))) {
        fs::rename(path, numbered(path, rotation(path) + 1)).expect("a renamed file");
    }
    days.into_iter().map(|day| (day.clone(), numbered(&day, 1))).collect()
}

/// Copies the files of several folders, which moved there one folder after the other, into one, under names in the same
/// order.
pub fn gather<'a>(folders: impl Iterator<Item = &'a Path>, to: &Path) {
    let mut days = BTreeMap::<String, Vec<PathBuf>>::new();
    for folder in folders {
        let mut files = files_in(folder);
        files.sort_by_key(|path| std::cmp::Reverse(rotation(path)));
        for path in files {
            days.entry(day(&path)).or_default().push(path);
        }
    }
    for (day, files) in days {
        for (number, path) in files.iter().rev().enumerate() {
            fs::copy(path, numbered(&to.join(&day), number)).expect("a copy");
        }
    }
}

/// Returns the name of a daily file without the number of its rotation.
fn day(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy();
    name.split_inclusive(".log").next().expect("a name").to_owned()
}

fn rotation(path: &Path) -> usize {
    let name = path.file_name().expect("a name").to_string_lossy();
    name.rsplit_once(".log.").map_or(0, |(_, number)| number.parse().expect("a number"))
}

/// Returns the path of a daily file with this number of its rotation.
fn numbered(path: &Path, rotation: usize) -> PathBuf {
    let day = day(path);
    path.with_file_name(if rotation == 0 { day } else { format!("{day}.{rotation}") })
}

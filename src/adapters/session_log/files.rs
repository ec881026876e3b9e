//! The files of a session log's folder, which another process may use.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::{
    domain::log_stamp::{self, StampedLine},
    foundation::process_lock,
};

/// The name of the file that holds the folder's lock, the log's id and the id of the last process.
pub(super) const LOCK_FILE: &str = ".lock";

/// The size of the first part of a file's end that is read to find its last line, in bytes.
pub(super) const FIRST_WINDOW: u64 = 1 << 16;

/// Returns the path of one day's file.
#[must_use]
pub fn day_path(dir: &Path, date: Date) -> PathBuf {
    dir.join(format!("session_{date}.log"))
}

/// Returns the date of a file named `session_YYYY-MM-DD.log`; `None` for other files.
pub(super) fn date_of(path: &Path) -> Option<Date> {
    let name = path.file_name()?.to_str()?;
    let date = name.strip_prefix("session_")?.strip_suffix(".log")?;
    if date.len() == 10 { date.parse().ok() } else { None }
}

/// Returns the id of the session log in a folder; `None` if there is no session log.
#[must_use]
pub fn id_of(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join(LOCK_FILE)).ok()?;
    text.lines().next().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Returns whether a process is writing the session log in a folder.
#[must_use]
pub fn is_in_use(dir: &Path) -> bool {
    process_lock::is_locked(&dir.join(LOCK_FILE))
}

/// Returns the bytes of a file from `start` to `end`.
pub(super) fn read_from(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the bytes after the last line feed.
pub(super) fn last_partial_line(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut window = FIRST_WINDOW;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = read_from(file, start, length)?;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(bytes.split_off(end + 1));
        }
        if start == 0 {
            return Ok(bytes);
        }
        window *= 2;
    }
}

/// Reads the last line with a stamp in the first `length` bytes of a file; `None` if the last whole lines have none.
pub(super) fn last_stamped_line<T>(
    file: &mut File,
    length: u64,
    read: impl Fn(&StampedLine<'_>) -> T,
) -> io::Result<Option<T>> {
    let mut window = FIRST_WINDOW;
    loop {
        let start = length.saturating_sub(window);
        let bytes = read_from(file, start, length)?;
        let whole = if start == 0 { Some(0) } else { memchr::memchr(b'\n', &bytes).map(|end| end + 1) };
        let lines = whole.map(|whole| bytes[whole..].rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty()));
        if let Some(mut lines) = lines.filter(|lines| start == 0 || lines.clone().next().is_some()) {
            return Ok(lines.find_map(|line| Some(read(&log_stamp::parse(line)?))));
        }
        window *= 2;
    }
}

/// Returns the files of a folder that may hold lines, under any name, with what the system knows of them. Links are followed.
pub(super) fn visible_files(dir: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if let Ok(data) = fs::metadata(entry.path())
            && data.is_file()
            && !is_hidden
        {
            files.push((entry.path(), data));
        }
    }
    Ok(files)
}

/// Returns whether a file begins as a line does. Another file may be large and have no lines.
pub(super) fn begins_with_line(file: &mut File) -> io::Result<bool> {
    let mut first_byte = [0];
    Ok(file.read(&mut first_byte)? == 1 && first_byte == *b"{")
}

/// Returns the paths of a session log's folder and of everything in it.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    std::iter::once(dir.to_owned()).chain(entries.map(|entry| entry.path())).collect()
}

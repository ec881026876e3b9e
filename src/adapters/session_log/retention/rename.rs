//! The renames by which a compressed copy takes the place of a day's file. At each moment, exactly one file has the lines.
//!
//! The copy first replaces the plain file under its name, then gets the ending `.zst`. Tools tell by a file's first bytes that it
//! is compressed, so they read either state. A crash between both is completed by the next start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use super::super::files::{date_of, day_path};
use crate::foundation::{compression::Compression, path_suffix::with_suffix};

/// The start of the name of a copy that is being written. It is hidden, so that no tool reads it.
const PART_START: &str = ".";

/// The end of that name, after the name of the day's file.
const PART_END: &str = ".zst.part";

/// Returns the path of the copy of a day's file while it is written.
pub(super) fn part_path(dir: &Path, date: Date) -> PathBuf {
    dir.join(format!("{PART_START}session_{date}.log{PART_END}"))
}

/// Replaces a day's file by its compressed copy.
pub(super) fn put_in_place(dir: &Path, date: Date, copy: &Path) -> io::Result<()> {
    let path = day_path(dir, date);
    free_compressed_name(&path, Compression::Zstd)?;
    fs::rename(copy, &path)?;
    add_ending(&path, Compression::Zstd)
}

/// Gives the file of a day its ending if it is compressed but has the plain name.
pub(super) fn complete_rename(dir: &Path, date: Date) -> io::Result<()> {
    let path = day_path(dir, date);
    // A named pipe is not opened, since that would wait.
    let is_file = fs::metadata(&path).is_ok_and(|data| data.is_file());
    if !is_file || Compression::of(&fs::File::open(&path)?)? != Compression::Zstd {
        return Ok(());
    }
    add_ending(&path, Compression::Zstd)
}

/// Gives a compressed file that has the plain name of its day the ending of its compression.
pub(in super::super) fn add_ending(path: &Path, compression: Compression) -> io::Result<()> {
    free_compressed_name(path, compression)?;
    fs::rename(path, with_suffix(path, compression.ending()))
}

/// Completes what a crash has interrupted, and removes copies that were not finished. To be called before the folder's files
/// are repaired: a compressed file has no lines.
pub(in super::super) fn complete_all(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let done = match date_of(&path) {
            Some(date) => complete_rename(dir, date),
            None if is_part(&path) => fs::remove_file(&path),
            None => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(file = %path.display(), %error, "the compression of a file of the session log, which was interrupted, cannot be completed now");
        }
    }
    Ok(())
}

fn is_part(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_prefix(PART_START)?.strip_suffix(PART_END));
    name.is_some_and(|name| date_of(Path::new(name)).is_some())
}

/// Makes the name of a day's compressed file free. If a line was written to the day after it had been compressed, since the
/// clock was set back, the older file becomes the first rotated one, `.1`, and those before it move on by one: higher numbers
/// are older.
fn free_compressed_name(path: &Path, compression: Compression) -> io::Result<()> {
    let compressed = with_suffix(path, compression.ending());
    if !exists(&compressed) {
        return Ok(());
    }
    let compressions = [Compression::None, Compression::Gzip, Compression::Zstd];
    let rotated = |number: u64| compressions.map(|it| with_suffix(path, &format!(".{number}{}", it.ending())));
    let mut free = 1;
    while rotated(free).iter().any(|path| exists(path)) {
        free += 1;
    }
    for number in (1..free).rev() {
        for (from, to) in rotated(number).iter().zip(rotated(number + 1)).filter(|(from, _)| exists(from)) {
            fs::rename(from, to)?;
        }
    }
    fs::rename(compressed, with_suffix(path, &format!(".1{}", compression.ending())))
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

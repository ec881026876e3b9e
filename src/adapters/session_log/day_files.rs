//! The files of the session log, one a day: opening, appending, and repairing after a crash.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use jiff::civil::Date;

use super::{
    files::{date_of, day_path, last_partial_line},
    folder::LogFolder,
    open_file::OpenFile,
    retention::{KnownFile, RetentionFailure, add_ending, complete_all},
};
use crate::foundation::{compression::Compression, descriptors::ReservedDescriptor};

/// The daily files in the folder of the session log. The file that was written last stays open.
#[derive(Debug)]
pub(super) struct DayFiles {
    pub(super) folder: LogFolder,
    /// Whether each write is flushed to the disk.
    sync: bool,
    open: Option<OpenFile>,
    /// The day of the last line.
    last_date: Option<Date>,
    /// A file that may end with part of a failed write.
    failed_write: Option<OpenFile>,
    /// For the next day's file at midnight.
    reserved: ReservedDescriptor,
}

impl DayFiles {
    pub(super) fn new(folder: LogFolder, sync: bool) -> Self {
        Self { folder, sync, open: None, last_date: None, failed_write: None, reserved: ReservedDescriptor::default() }
    }

    /// Appends whole lines to a day's file: all of them, or none if it fails.
    pub(super) fn append(&mut self, date: Date, lines: &[u8]) -> io::Result<()> {
        self.append_with_room(date, lines, 0)
    }

    /// Appends whole lines to a day's file if there is room for further `room` bytes: all of them, or none if it fails.
    pub(super) fn append_with_room(&mut self, date: Date, lines: &[u8], room: usize) -> io::Result<()> {
        self.truncate_failed_write()?;
        let sync = self.sync;
        let open = self.open_day(date)?;
        let tried = try_room(open, room);
        let written = tried.and_then(|()| open.append(lines, sync));
        if written.is_ok() {
            self.last_date = Some(date);
        } else {
            self.failed_write = self.open.take();
            // If this fails too, the next call of this function tries it again before it writes.
            let _ = self.truncate_failed_write();
        }
        written
    }

    /// Returns the file that was written to last, for another thread.
    pub(super) fn share_open(&self) -> io::Result<File> {
        self.open.as_ref().ok_or(io::ErrorKind::NotFound)?.file.try_clone()
    }

    /// Reports to the diagnostics if others have moved, deleted, truncated or extended the open file. Closes it if it was
    /// moved or deleted, and also if its day is over, so that it may be compressed.
    pub(super) fn check(&mut self, today: Date) {
        self.open.take_if(|open| !open.inspect() || open.date != today);
    }

    /// Removes the part of a failed write from its file: its callers were told that their lines are not written.
    fn truncate_failed_write(&mut self) -> io::Result<()> {
        if let Some(open) = &self.failed_write {
            open.cut()?;
            self.failed_write = None;
        }
        Ok(())
    }

    /// Returns the open file of a day. Opens it if another day's file is open, or if the open file is no longer at its path.
    fn open_day(&mut self, date: Date) -> io::Result<&mut OpenFile> {
        self.check(date);
        let open = match self.open.take() {
            Some(open) => open,
            None => self.open_file(date)?,
        };
        Ok(self.open.insert(open))
    }

    fn open_file(&mut self, date: Date) -> io::Result<OpenFile> {
        self.folder.restore()?;
        let LogFolder { dir, access, .. } = &self.folder;
        let path = day_path(dir, date);
        let open = || access.open_options().create(true).append(true).read(true).open(&path);
        let mut file = self.reserved.open(open)?;
        let compression = compression_of(&file)?;
        if compression != Compression::None {
            // Its second rename has failed. A line must not follow compressed bytes.
            add_ending(&path, compression)?;
            file = self.reserved.open(open)?;
        }
        repair(&mut file, &path)?;
        if self.sync {
            self.reserved.open(|| sync_folder(dir))?;
        }
        OpenFile::new(date, path, file)
    }

    /// Fails unless a file is as it was when it was read, and may be compressed or deleted: the next start must find the last
    /// line in a plain file.
    pub(super) fn ensure_changeable(&self, file: &KnownFile) -> Result<(), RetentionFailure> {
        if !self.folder.is_in_place() {
            Err(RetentionFailure::Moved)
        } else if self.last_date == Some(file.date()) || self.failed_write.is_some() {
            Err(RetentionFailure::InUse)
        } else if file.is_unchanged() {
            Ok(())
        } else {
            Err(RetentionFailure::Changed)
        }
    }

    /// Completes interrupted compressions, and repairs the incomplete last lines that a crash may have left in any day's file. A
    /// file that cannot be read or written is skipped with a warning, because it may have been archived.
    pub(super) fn repair_all(&self) -> io::Result<()> {
        complete_all(&self.folder.dir)?;
        for entry in fs::read_dir(&self.folder.dir)? {
            let path = entry?.path();
            if date_of(&path).is_some()
                && let Err(error) = repair_if_incomplete(&path)
            {
                tracing::warn!(file = %path.display(), %error, "a file of the session log could not be checked for an incomplete last line");
            }
        }
        Ok(())
    }
}

fn repair_if_incomplete(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if compression_of(&file)? != Compression::None {
        return Err(io::Error::other("it is compressed, but has the name of a plain file"));
    }
    if last_partial_line(&mut file, length)?.is_empty() {
        return Ok(());
    }
    repair(&mut OpenOptions::new().append(true).read(true).open(path)?, path)
}

/// Returns the compression of an open file's bytes. Nothing is read of a named pipe in place of the file, which has no positions.
fn compression_of(file: &File) -> io::Result<Compression> {
    if file.metadata()?.len() == 0 { Ok(Compression::None) } else { Compression::of(file) }
}

/// Checks that there is room for further bytes in a file, by writing and removing them. (The free space that the system
/// reports does not include quotas and limits.) A crash leaves them as an incomplete last line, which is repaired.
fn try_room(open: &mut OpenFile, room: usize) -> io::Result<()> {
    if room == 0 {
        return Ok(());
    }
    open.file.write_all(&vec![b' '; room])?;
    open.cut()
}

/// Flushes the entry of a new file to the disk.
#[cfg(unix)]
pub(super) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Does nothing: on this system, the entry of a file is flushed with the file.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Repairs a last line without a line feed, which was never acknowledged: a complete JSON object gets its line feed,
/// anything else is removed.
fn repair(file: &mut File, path: &Path) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length == 0 {
        // Nothing is read, because a named pipe in place of the file has no positions.
        return Ok(());
    }
    let partial = last_partial_line(file, length)?;
    if partial.is_empty() {
        return Ok(());
    }
    let is_complete = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&partial).is_ok();
    tracing::warn!(file = %path.display(), bytes = partial.len(), kept = is_complete, "repaired an incomplete last line of the session log");
    if is_complete { file.write_all(b"\n") } else { file.set_len(length - partial.len() as u64) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::foundation::file_access::FileAccess;

    fn day_files(dir: &Path, sync: bool) -> DayFiles {
        DayFiles::new(LogFolder::lock(dir, FileAccess::Owner).unwrap(), sync)
    }

    fn repaired(content: &[u8]) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("session_2026-01-01.log"), content).unwrap();
        let mut files = day_files(dir.path(), false);
        files.repair_all().unwrap();
        files.append(date(2026, 1, 1), b"{\"next\":1}\n").unwrap();
        let content = fs::read(dir.path().join("session_2026-01-01.log")).unwrap();
        content.strip_suffix(b"{\"next\":1}\n").unwrap().to_vec()
    }

    #[test]
    fn an_incomplete_line_is_removed_a_complete_one_kept() {
        assert_eq!(repaired(b""), b"");
        assert_eq!(repaired(b"{\"a\":1}\n"), b"{\"a\":1}\n");
        assert_eq!(repaired(b"{\"a\":1}\n{\"b\":"), b"{\"a\":1}\n");
        assert_eq!(repaired(b"{\"a\":1}\n{\"b\":2}"), b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(repaired(b"torn from the start"), b"");
        let long = [b"{\"a\":1}\n".as_slice(), &vec![b'x'; 300_000]].concat();
        assert_eq!(repaired(&long), b"{\"a\":1}\n");
    }

    #[test]
    fn other_files_are_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "app.log",
            "session_.log",
            "session_notes.log",
            "session_2026-01-01.log.bak",
            "session_2026-01-01.txt",
            "session_2026-13-01.log",
            "session_20260101.log",
            "my_session_2026-01-01.log",
        ];
        for content in [&b"no final line feed"[..], b"{\"a\":1}\n{\"b\":", b"{\"a\":1}"] {
            for name in names {
                fs::write(dir.path().join(name), content).unwrap();
            }
            fs::write(dir.path().join("session_2026-01-02.log"), "torn").unwrap();
            day_files(dir.path(), false).repair_all().unwrap();
            for name in names {
                assert_eq!(fs::read(dir.path().join(name)).unwrap(), content, "{name}");
            }
            assert_eq!(fs::read(dir.path().join("session_2026-01-02.log")).unwrap(), b"");
        }
    }

    #[test]
    fn each_day_has_its_file_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = day_files(dir.path(), true);
        for day in [1, 2, 1, 2] {
            files.append(date(2026, 1, day), format!("{{\"day\":{day}}}\n").as_bytes()).unwrap();
        }
        for day in [1, 2] {
            let content = fs::read_to_string(dir.path().join(format!("session_2026-01-0{day}.log"))).unwrap();
            assert_eq!(content, format!("{{\"day\":{day}}}\n").repeat(2));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_created_again_after_it_was_moved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session_2026-01-01.log");
        let mut files = day_files(dir.path(), false);
        files.append(date(2026, 1, 1), b"{}\n").unwrap();
        fs::rename(&path, dir.path().join("rotated")).unwrap();
        files.append(date(2026, 1, 1), b"{\"after\":1}\n").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"{\"after\":1}\n");
    }
}

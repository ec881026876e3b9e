//! The file of the day: found, mended, appended to.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::foundation::file_access::FileAccess;

/// The log's folder, with the file that was written last kept open.
#[derive(Debug)]
pub(super) struct DayFiles {
    dir: PathBuf,
    access: FileAccess,
    sync: bool,
    open: Option<OpenFile>,
    /// A file in which lines stand that were refused, and its length without them.
    refused: Option<(File, u64)>,
}

#[derive(Debug)]
struct OpenFile {
    date: Date,
    path: PathBuf,
    file: File,
}

impl DayFiles {
    pub(super) fn new(dir: PathBuf, access: FileAccess, sync: bool) -> Self {
        Self { dir, access, sync, open: None, refused: None }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends whole lines to the day's file: all of them, or on failure none. Returns the file's length before.
    pub(super) fn append(&mut self, date: Date, lines: &[u8]) -> io::Result<u64> {
        self.cut_off_refused()?;
        let sync = self.sync;
        let open = self.file_of(date)?;
        let before = open.file.metadata()?.len();
        let written = open.file.write_all(lines).and_then(|()| if sync { open.file.sync_data() } else { Ok(()) });
        if written.is_err()
            && let Some(open) = self.open.take()
        {
            self.refused = Some((open.file, before));
            // If it cannot be done now, it is tried again before the next line is written.
            let _ = self.cut_off_refused();
        }
        written.map(|()| before)
    }

    /// What was refused to its callers must not stay in a file.
    fn cut_off_refused(&mut self) -> io::Result<()> {
        if let Some((file, length)) = &self.refused {
            let data = file.metadata()?;
            if data.is_file() && data.len() > *length {
                file.set_len(*length)?;
            }
            self.refused = None;
        }
        Ok(())
    }

    /// The open file of this day. Opens it anew when the day has changed, or when the file under its name is another
    /// one by now: moved by a log rotation, or deleted.
    fn file_of(&mut self, date: Date) -> io::Result<&mut OpenFile> {
        let usable = self.open.take().filter(|open| open.date == date && open.is_at_its_path());
        let open = match usable {
            Some(open) => open,
            None => self.open_file(date)?,
        };
        Ok(self.open.insert(open))
    }

    fn open_file(&self, date: Date) -> io::Result<OpenFile> {
        self.access.create_folder(&self.dir)?;
        let path = self.dir.join(format!("session_{date}.log"));
        let mut file = self.access.open_options().create(true).append(true).read(true).open(&path)?;
        mend(&mut file, &path)?;
        Ok(OpenFile { date, path, file })
    }

    /// Mends the torn ends that a crash may have left in any day's file. Old days that cannot be read or written are
    /// left alone, with a warning: they may have been archived.
    pub(super) fn mend_all(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if date_of(&path).is_some()
                && let Err(error) = mend_if_torn(&path)
            {
                tracing::warn!(file = %path.display(), %error, "an old session log could not be looked at");
            }
        }
        Ok(())
    }
}

/// The day of a file named `session_YYYY-MM-DD.log`; other files are nobody's business here.
pub(super) fn date_of(path: &Path) -> Option<Date> {
    let name = path.file_name()?.to_str()?;
    let date = name.strip_prefix("session_")?.strip_suffix(".log")?;
    if date.len() == 10 { date.parse().ok() } else { None }
}

fn mend_if_torn(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if tail(&mut file, length)?.is_empty() {
        return Ok(());
    }
    mend(&mut OpenOptions::new().append(true).read(true).open(path)?, path)
}

impl OpenFile {
    #[cfg(unix)]
    fn is_at_its_path(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |data: io::Result<fs::Metadata>| data.ok().map(|data| (data.dev(), data.ino()));
        identity(fs::metadata(&self.path)).is_some_and(|found| Some(found) == identity(self.file.metadata()))
    }

    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> bool {
        self.path.exists()
    }
}

/// Completes or removes a last line without a line feed. Nobody was told that such a line is written: a whole object
/// gets its line feed, anything else goes.
fn mend(file: &mut File, path: &Path) -> io::Result<()> {
    let length = file.metadata()?.len();
    let torn = tail(file, length)?;
    if torn.is_empty() {
        return Ok(());
    }
    let whole = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&torn).is_ok();
    tracing::warn!(file = %path.display(), bytes = torn.len(), kept = whole, "mended a torn last line of the session log");
    if whole { file.write_all(b"\n") } else { file.set_len(length - torn.len() as u64) }
}

/// What follows the last line feed.
fn tail(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut window = 1 << 16;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(length - start).read_to_end(&mut bytes)?;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(bytes.split_off(end + 1));
        }
        if start == 0 {
            return Ok(bytes);
        }
        window *= 2;
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn mended(content: &[u8]) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("session_2026-01-01.log"), content).unwrap();
        let mut files = DayFiles::new(dir.path().to_owned(), FileAccess::Owner, false);
        files.mend_all().unwrap();
        files.append(date(2026, 1, 1), b"{\"next\":1}\n").unwrap();
        let content = fs::read(dir.path().join("session_2026-01-01.log")).unwrap();
        content.strip_suffix(b"{\"next\":1}\n").unwrap().to_vec()
    }

    #[test]
    fn a_torn_line_goes_and_a_whole_one_stays() {
        assert_eq!(mended(b""), b"");
        assert_eq!(mended(b"{\"a\":1}\n"), b"{\"a\":1}\n");
        assert_eq!(mended(b"{\"a\":1}\n{\"b\":"), b"{\"a\":1}\n");
        assert_eq!(mended(b"{\"a\":1}\n{\"b\":2}"), b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(mended(b"torn from the start"), b"");
        let long = [b"{\"a\":1}\n".as_slice(), &vec![b'x'; 300_000]].concat();
        assert_eq!(mended(&long), b"{\"a\":1}\n");
    }

    #[test]
    fn files_of_others_are_not_touched() {
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
            DayFiles::new(dir.path().to_owned(), FileAccess::Owner, false).mend_all().unwrap();
            for name in names {
                assert_eq!(fs::read(dir.path().join(name)).unwrap(), content, "{name}");
            }
            assert_eq!(fs::read(dir.path().join("session_2026-01-02.log")).unwrap(), b"");
        }
    }

    #[test]
    fn each_day_has_its_file_even_out_of_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = DayFiles::new(dir.path().to_owned(), FileAccess::Owner, true);
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
    fn a_file_that_was_moved_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session_2026-01-01.log");
        let mut files = DayFiles::new(dir.path().to_owned(), FileAccess::Owner, false);
        files.append(date(2026, 1, 1), b"{}\n").unwrap();
        fs::rename(&path, dir.path().join("rotated")).unwrap();
        files.append(date(2026, 1, 1), b"{\"after\":1}\n").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"{\"after\":1}\n");
    }
}

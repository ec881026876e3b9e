//! The file of the streams on record, `.open_streams`.
//!
//! A line is a mark, the id of the request, a space and the fields as JSON. New lines are appended. The end of a record
//! changes its mark in place, which needs no room on a full disk. Lines of ended records are removed when they are most of the file.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    ops::Range,
    path::PathBuf,
};

use super::{
    super::{day_files::sync_folder, files::read_from, folder::LogFolder},
    interrupted::InterruptedStreams,
};
use crate::foundation::file_identity::{has_name, is_at};

/// The name of the file in the log's folder.
const FILE: &str = ".open_streams";

/// The name of the file that replaces it.
const NEW_FILE: &str = ".open_streams.new";

/// The mark of a record whose stream has not ended.
const OPEN: u8 = b'+';

/// The mark of a record that has ended.
const ENDED: u8 = b'-';

/// The length in bytes above which a file without records is emptied.
const EMPTIED_ABOVE: u64 = 64 << 10;

/// The length in bytes above which a file is rewritten when most of it has ended.
const REWRITTEN_ABOVE: u64 = 8 << 20;

/// The number of bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// The file, and the positions of the records in it.
#[derive(Debug)]
pub(super) struct RecordFile {
    /// Whether writes are flushed to the disk.
    sync: bool,
    /// `None` until the first record.
    file: Option<File>,
    length: u64,
    records: BTreeMap<String, Record>,
    /// The bytes of these records.
    record_bytes: u64,
    /// Whether part of a failed write may follow the records.
    has_partial_write: bool,
    /// The positions of records whose marks must be changed.
    ended: Vec<u64>,
    /// The number of lines that were no records when the file was opened.
    damaged: u64,
}

/// The position of a record in the file.
#[derive(Clone, Copy, Debug)]
struct Record {
    offset: u64,
    length: u64,
    /// Whether an earlier process wrote it.
    is_interrupted: bool,
}

impl Record {
    /// Returns the position of the fields.
    fn fields(self, request_id: &str) -> Range<u64> {
        let prefix = request_id.len() as u64 + 2;
        self.offset + prefix..self.offset + self.length - 1
    }
}

impl RecordFile {
    /// Opens the file if it exists, and removes an incomplete last line.
    pub(super) fn open(folder: &LogFolder, sync: bool) -> io::Result<Self> {
        let (records, ended) = (BTreeMap::new(), Vec::new());
        let mut this =
            Self { sync, file: None, length: 0, records, record_bytes: 0, has_partial_write: false, ended, damaged: 0 };
        let file = match OpenOptions::new().read(true).write(true).open(path(folder)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(this),
            Err(error) => return Err(error),
        };
        this.read(&file)?;
        if this.damaged > 0 {
            tracing::error!(lines = this.damaged, file = %path(folder).display(), "records of open streams cannot be read; those streams are not counted");
        }
        file.set_len(this.length)?;
        this.file = Some(file);
        Ok(this)
    }

    /// Reads the positions of the records, and of lines that are none: they count as ended, so that they are reported once.
    fn read(&mut self, file: &File) -> io::Result<()> {
        let (mut reader, mut line) = (BufReader::new(file), Vec::new());
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            let record = Record { offset: self.length, length, is_interrupted: true };
            match (line[0], request_id(&line)) {
                (OPEN, Some(id)) => self.insert(id.to_owned(), record),
                (ENDED | b'\n', _) => {}
                _ => {
                    self.damaged += 1;
                    self.ended.push(self.length);
                }
            }
            self.length += length;
        }
    }

    /// Appends records: all of them, or none if it fails. They replace those of the same streams.
    pub(super) fn append(&mut self, folder: &mut LogFolder, records: &HashMap<String, String>) -> io::Result<()> {
        if !records.is_empty() || !self.records.is_empty() {
            self.ensure_in_place(folder)?;
        }
        let Some(file) = self.file.as_mut().filter(|_| !records.is_empty()) else { return Ok(()) };
        if self.has_partial_write {
            file.set_len(self.length)?;
            self.has_partial_write = false;
        }
        let (mut end, mut buffer, mut written) = (self.length, Vec::new(), Vec::new());
        let mut append = || {
            file.seek(SeekFrom::Start(end))?;
            for (request_id, fields) in records {
                let start = buffer.len();
                buffer.push(OPEN);
                buffer.extend_from_slice(request_id.as_bytes());
                buffer.push(b' ');
                buffer.extend_from_slice(fields.as_bytes());
                buffer.push(b'\n');
                let length = (buffer.len() - start) as u64;
                written.push((request_id, Record { offset: end, length, is_interrupted: false }));
                end += length;
                if buffer.len() >= WRITE_BYTES {
                    file.write_all(&buffer)?;
                    buffer.clear();
                }
            }
            file.write_all(&buffer)?;
            if self.sync { file.sync_data() } else { Ok(()) }
        };
        if let Err(error) = append() {
            self.has_partial_write = file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length = end;
        for (request_id, record) in written {
            self.insert(request_id.clone(), record);
        }
        self.write_ends();
        Ok(())
    }

    fn insert(&mut self, request_id: String, record: Record) {
        self.record_bytes += record.length;
        if let Some(replaced) = self.records.insert(request_id, record) {
            self.record_bytes -= replaced.length;
            self.ended.push(replaced.offset);
        }
    }

    /// Ends a record. That of an interrupted stream stays until the stream has a line in the log.
    pub(super) fn end(&mut self, request_id: &str, has_line: bool) {
        let record = self.records.get(request_id).filter(|record| has_line || !record.is_interrupted);
        if let Some(Record { offset, length, .. }) = record.copied() {
            self.records.remove(request_id);
            self.record_bytes -= length;
            self.ended.push(offset);
        }
    }

    /// Changes the marks of the records that have ended. Marks that cannot be changed are changed by the next call.
    pub(super) fn write_ends(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        if let Err(error) = self.write_marks() {
            tracing::error!(%error, "the end of open streams could not be recorded; if this process is killed now, the next start logs them as interrupted");
        }
    }

    fn write_marks(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        while let Some(offset) = self.ended.last() {
            file.seek(SeekFrom::Start(*offset))?;
            file.write_all(&[ENDED])?;
            self.ended.pop();
        }
        if self.sync { file.sync_data() } else { Ok(()) }
    }

    /// Shortens the file if most of its records have ended.
    pub(super) fn shorten(&mut self, folder: &LogFolder) -> io::Result<()> {
        if self.records.is_empty() && self.length > EMPTIED_ABOVE {
            if let Some(file) = &self.file {
                file.set_len(0)?;
            }
            self.length = 0;
            self.ended.clear();
        } else if self.length > REWRITTEN_ABOVE && self.record_bytes < self.length / 2 {
            self.rewrite(folder)?;
        }
        Ok(())
    }

    /// Makes a new file if there is none at its path, because the folder was moved or deleted, or nothing was recorded yet.
    fn ensure_in_place(&mut self, folder: &mut LogFolder) -> io::Result<()> {
        if self.file.as_ref().is_some_and(|file| is_at(file, &path(folder))) {
            return Ok(());
        }
        folder.restore()?;
        self.rewrite(folder)
    }

    /// Replaces the file by a new one with the records that have not ended.
    fn rewrite(&mut self, folder: &LogFolder) -> io::Result<()> {
        let new_path = folder.dir.join(NEW_FILE);
        let mut options = folder.access.open_options();
        let mut new = options.create(true).truncate(true).read(true).write(true).open(&new_path)?;
        let (mut records, mut end) = (self.records.clone(), 0);
        for record in records.values_mut() {
            if let Some(file) = &mut self.file {
                let line = read_from(file, record.offset, record.offset + record.length)?;
                // The file may have been truncated. The lines after this one stay at their positions.
                new.write_all(&line)?;
                new.seek(SeekFrom::Start(end + record.length))?;
            }
            record.offset = end;
            end += record.length;
        }
        if self.sync {
            new.sync_data()?;
        }
        fs::rename(new_path, path(folder))?;
        let replaced = self.file.replace(new);
        (self.records, self.length, self.has_partial_write) = (records, end, false);
        self.ended.clear();
        // A file that was moved with its folder must not be read once more. (Interrupted streams are read from there.)
        let is_read = self.records.values().any(|record| record.is_interrupted);
        if let Some(replaced) = replaced.filter(|file| !is_read && has_name(file)) {
            replaced.set_len(0)?;
        }
        if self.sync { sync_folder(&folder.dir) } else { Ok(()) }
    }

    /// Returns the streams that earlier processes have left, with a handle of its own to the file.
    pub(super) fn interrupted(&mut self, folder: &mut LogFolder) -> io::Result<InterruptedStreams> {
        if !self.records.is_empty() {
            self.ensure_in_place(folder)?;
        }
        let interrupted = self.records.iter().filter(|(_, record)| record.is_interrupted);
        let fields = interrupted.map(|(id, record)| (id.clone(), record.fields(id))).collect::<BTreeMap<_, _>>();
        let file = if fields.is_empty() { None } else { Some(File::open(path(folder))?) };
        Ok(InterruptedStreams { file, fields, damaged: self.damaged })
    }

    /// Removes the file if it has no records.
    pub(super) fn close(self, folder: &LogFolder) {
        let path = path(folder);
        if self.records.is_empty()
            && self.file.is_some_and(|file| is_at(&file, &path))
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::debug!(%error, "the empty file of open streams was not removed");
        }
    }
}

fn path(folder: &LogFolder) -> PathBuf {
    folder.dir.join(FILE)
}

/// Returns the id in a line: the text between the mark and the first space.
fn request_id(line: &[u8]) -> Option<&str> {
    let end = memchr::memchr(b' ', line)?;
    std::str::from_utf8(line.get(1..end)?).ok().filter(|id| !id.is_empty())
}

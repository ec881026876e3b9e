//! The file of the session log that is open, compared with what the writer has made of it.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use jiff::civil::Date;

use crate::foundation::file_identity::FileIdentity;

/// The file to which lines are appended.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) date: Date,
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Whether it is a file, and not a named pipe or a device.
    is_file: bool,
    /// The length after the last write, in bytes; 0 if it is not a file.
    length: u64,
    /// Whether others have left a line without its line feed at the end. A line that is appended would become a part of it.
    is_line_open: bool,
}

impl OpenFile {
    pub(super) fn new(date: Date, path: PathBuf, file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { date, path, file, is_file: metadata.is_file(), length: length_of(&metadata), is_line_open: false })
    }

    /// Reports to the diagnostics what others have done to the file since the last write. Returns false if it is no longer
    /// at its path, because it was renamed by a log rotation or deleted.
    pub(super) fn inspect(&mut self) -> bool {
        let Ok(data) = self.file.metadata() else { return false };
        self.report_length(length_of(&data));
        if FileIdentity::at(&self.path) == Some(FileIdentity::of(&data)) {
            return true;
        }
        tracing::warn!(
            file = %self.path.display(),
            "the open file of the session log, or its folder, was moved or deleted; the next line starts a new file"
        );
        false
    }

    /// Appends lines, after a line feed if others have left a line without it. If it fails, [`Self::cut`] removes what was
    /// written of them.
    pub(super) fn append(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        if self.is_line_open {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(lines)?;
        if sync {
            self.file.sync_data()?;
        }
        if self.is_file {
            self.length += lines.len() as u64 + u64::from(self.is_line_open);
        }
        self.is_line_open = false;
        Ok(())
    }

    /// Removes what follows the last write.
    pub(super) fn cut(&self) -> io::Result<()> {
        if length_of(&self.file.metadata()?) > self.length { self.file.set_len(self.length) } else { Ok(()) }
    }

    fn report_length(&mut self, length: u64) {
        let (file, expected) = (self.path.display(), self.length);
        if length < expected {
            tracing::error!(
                %file, expected, length,
                "the open file of the session log was truncated: if its lines were not copied before, they are lost; \
                 `al-chat log verify` names missing ones"
            );
        } else if length > expected {
            tracing::error!(
                %file, expected, length,
                "another program has written to the open file of the session log; `al-chat log verify` names damaged lines"
            );
        }
        if length != expected {
            self.is_line_open = length > 0 && self.last_byte(length).is_ok_and(|last| last != b'\n');
        }
        self.length = length;
    }

    fn last_byte(&mut self, length: u64) -> io::Result<u8> {
        let mut last = [0];
        self.file.seek(SeekFrom::Start(length - 1))?;
        self.file.read_exact(&mut last)?;
        Ok(last[0])
    }
}

fn length_of(data: &Metadata) -> u64 {
    if data.is_file() { data.len() } else { 0 }
}

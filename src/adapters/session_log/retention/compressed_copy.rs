//! The compressed copy of a day's file, before it takes the file's place.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use tokio_util::sync::CancellationToken;
use zstd::{Decoder, Encoder};

use super::{failure::RetentionFailure, known_file::KnownFile, pace::Pace, rename::part_path};
use crate::foundation::{file_access::FileAccess, free_space::ensure_free_space};

/// The level of compression: lines shrink to about a tenth, and higher levels need much more time and memory.
const LEVEL: i32 = 9;

/// The number of bytes that are compressed or compared at once.
const STEP_BYTES: usize = 256 << 10;

/// The free space in bytes that a copy leaves to the log: without it, turns would be refused.
const SPACE_FOR_LOG: u64 = 64 << 20;

/// A compressed copy of a day's file, on the disk under a hidden name. It is removed when this is dropped, unless it was
/// renamed.
#[derive(Debug)]
pub(in super::super) struct CompressedCopy {
    source: KnownFile,
    part: Part,
}

/// The path of a copy that is removed when this is dropped.
#[derive(Debug)]
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // It has another name now, or the next start removes it.
        let _ = fs::remove_file(&self.0);
    }
}

impl CompressedCopy {
    /// Compresses the file of a day, as it was when it was opened, and reads the copy again to compare it with the file.
    pub(super) fn make(
        dir: &Path,
        source: KnownFile,
        access: FileAccess,
        stopping: &CancellationToken,
    ) -> Result<Self, RetentionFailure> {
        if !fs::symlink_metadata(source.path())?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file but a link or a pipe").into());
        }
        ensure_room_for_copy(dir, source.length())?;
        let part = part_path(dir, source.date());
        match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = access.open_options().create_new(true).read(true).write(true).open(&part)?;
        let copy = Self { source, part: Part(part) };
        copy.compress(dir, &mut file, &mut Pace::new(stopping))?;
        file.sync_all()?;
        copy.compare(&mut file, &mut Pace::new(stopping))?;
        Ok(copy)
    }

    /// Returns the file that was compressed.
    pub(super) fn source(&self) -> &KnownFile {
        &self.source
    }

    pub(super) fn date(&self) -> Date {
        self.source.date()
    }

    /// Returns the path of the copy.
    pub(super) fn path(&self) -> &Path {
        &self.part.0
    }

    /// Writes the compressed text of the file. The copy gets the file's time, by which tools find the newest files.
    fn compress(&self, dir: &Path, file: &mut File, pace: &mut Pace<'_>) -> Result<(), RetentionFailure> {
        let length = self.source.length();
        let mut encoder = Encoder::new(&mut *file, LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.set_pledged_src_size(Some(length))?;
        let mut source = self.source.file();
        source.seek(SeekFrom::Start(0))?;
        let (mut text, mut step) = (source.take(length), Vec::with_capacity(STEP_BYTES));
        while read_step(&mut text, &mut step)? {
            encoder.write_all(&step)?;
            ensure_free_space(dir, SPACE_FOR_LOG)?;
            pace.end_step()?;
        }
        encoder.finish()?;
        Ok(file.set_modified(self.source.modified()?)?)
    }

    /// Fails if the copy does not have the bytes of the file.
    fn compare(&self, file: &mut File, pace: &mut Pace<'_>) -> Result<(), RetentionFailure> {
        let mut source = self.source.file();
        source.seek(SeekFrom::Start(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut copied = Decoder::with_buffer(BufReader::new(file))?;
        let (mut source, mut step, mut copied_step) = (source.take(self.source.length()), Vec::new(), Vec::new());
        loop {
            let is_more = read_step(&mut source, &mut step)?;
            if is_more != read_step(&mut copied, &mut copied_step)? || step != copied_step {
                return Err(RetentionFailure::Different);
            }
            if !is_more {
                return Ok(());
            }
            pace.end_step()?;
        }
    }
}

/// Fails if the disk of a folder has no room for the copy of a file of so many bytes and for the log.
pub(super) fn ensure_room_for_copy(dir: &Path, length: u64) -> io::Result<()> {
    ensure_free_space(dir, length.saturating_add(SPACE_FOR_LOG))
}

/// Replaces the bytes in a buffer by the next ones of a text. Returns whether there are any.
fn read_step(text: &mut impl Read, step: &mut Vec<u8>) -> io::Result<bool> {
    step.clear();
    text.take(STEP_BYTES as u64).read_to_end(step)?;
    Ok(!step.is_empty())
}

//! Streams on record: the lines of streams that have run for about a second and have not ended.
//!
//! They are in a file beside the log, so that the next start can log streams that the end of the process has interrupted. The
//! writer's thread writes them, many at once. A stream's record ends when its line is in the log, before the database
//! counts the turn: a record that is left has no line, or one that the database does not count yet.

mod interrupted;
mod pending;
mod record_file;

use std::io;

pub use self::interrupted::{InterruptedStream, InterruptedStreams};
pub(super) use self::pending::PendingRecords;
use self::record_file::RecordFile;
use super::folder::LogFolder;

/// The streams on record of a session log, as its writer's thread has them.
#[derive(Debug)]
pub(super) struct OpenStreams {
    pending: PendingRecords,
    file: RecordFile,
    /// Whether the last write has failed.
    has_failed: bool,
}

impl OpenStreams {
    /// Reads the records that an earlier process has left.
    pub(super) fn open(folder: &LogFolder, sync: bool, pending: PendingRecords) -> io::Result<Self> {
        Ok(Self { pending, file: RecordFile::open(folder, sync)?, has_failed: false })
    }

    /// Writes the pending records to the file, which is made again if it was moved or deleted, and shortens it. Records that
    /// cannot be written are pending again.
    pub(super) fn write(&mut self, folder: &mut LogFolder) {
        let records = self.pending.take();
        match self.file.append(folder, &records) {
            Ok(()) => self.has_failed = false,
            Err(error) => {
                self.pending.put_back(records);
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::warn!(%error, "open streams cannot be put on record; if this process is killed now, their tokens are not counted");
                }
            }
        }
        if let Err(error) = self.file.shorten(folder) {
            tracing::debug!(%error, "the file of open streams cannot be shortened yet");
        }
    }

    /// Ends the record of a stream, if it has one: its line is in the log, or cannot be written. An interrupted stream stays
    /// on record until it has a line.
    pub(super) fn end(&mut self, request_id: &str, has_line: bool) {
        self.pending.remove(request_id);
        self.file.end(request_id, has_line);
    }

    /// Writes to the file which records have ended.
    pub(super) fn write_ends(&mut self) {
        self.file.write_ends();
    }

    /// Returns the streams that earlier processes have left.
    pub(super) fn interrupted(&mut self, folder: &mut LogFolder) -> io::Result<InterruptedStreams> {
        self.file.interrupted(folder)
    }

    /// Removes the file if no stream is on record.
    pub(super) fn close(self, folder: &LogFolder) {
        self.file.close(folder);
    }
}

//! Messages to the thread that writes the session log.

use std::{fs::File, io};

use tokio::sync::oneshot;

use super::{
    lines::Lines,
    open_streams::InterruptedStreams,
    retention::{FileChange, RetentionFailure},
};
use crate::domain::log_position::LogEnd;

/// The number of messages that the queue to the writer holds. Further senders wait.
pub(super) const QUEUE_CAPACITY: usize = 4096;

pub(super) enum Message {
    Append(Entry),
    /// Wakes the writer, because a refusal is pending.
    Wake,
    /// Returns the streams that earlier processes have left on record.
    ReadInterrupted(oneshot::Sender<io::Result<InterruptedStreams>>),
    /// Ends the records of interrupted streams.
    EndInterrupted(Vec<String>, oneshot::Sender<()>),
    /// Compresses or deletes a file. Returns the change, too, which has open files.
    ChangeFile(FileChange, oneshot::Sender<(FileChange, Result<(), RetentionFailure>)>),
    /// Writes all refusals, also those that are counted. Later ones are dropped.
    EndRefusals(oneshot::Sender<()>),
    /// Writes what is queued before and ends the writer.
    Close(oneshot::Sender<()>),
}

/// A callback with the end of the log after the written lines; `None` if they could not be written. It runs on the writer's
/// thread, in the order of the lines.
pub(super) type OnWritten = Box<dyn FnOnce(Option<LogEnd>) + Send>;

/// Lines to be appended together, all of them or none.
pub(super) struct Entry {
    pub(super) lines: Lines,
    /// The end of the log after these lines; `None` until they are written.
    pub(super) end: Option<LogEnd>,
    pub(super) on_written: Option<OnWritten>,
    /// Sends the file to which the lines were written.
    pub(super) file: Option<oneshot::Sender<io::Result<File>>>,
    /// Sends the end to the caller.
    pub(super) done: oneshot::Sender<Option<LogEnd>>,
}

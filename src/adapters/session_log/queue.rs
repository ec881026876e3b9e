//! Messages to the thread that writes the session log.

use jiff::civil;
use tokio::sync::oneshot;

use super::failure::LogUnavailable;
use crate::domain::log_position::LogPosition;

/// The number of messages that the queue to the writer holds. Further senders wait.
pub(super) const QUEUE_CAPACITY: usize = 4096;

pub(super) enum Message {
    Append(Entry),
    /// Writes what is queued before and ends the writer.
    Close(oneshot::Sender<()>),
}

/// A callback with the position after the written lines; `None` if they could not be written. It runs on the writer's
/// thread, in the order of the lines.
pub(super) type OnWritten = Box<dyn FnOnce(Option<LogPosition>) + Send>;

/// Lines of one day to be appended together, all of them or none.
pub(super) struct Entry {
    pub(super) date: civil::Date,
    pub(super) lines: Vec<u8>,
    /// The number of lines.
    pub(super) count: u64,
    /// The position after the written lines; an error until they are written.
    pub(super) outcome: Result<LogPosition, LogUnavailable>,
    pub(super) on_written: Option<OnWritten>,
    /// Sends the outcome to the caller.
    pub(super) done: oneshot::Sender<Result<LogPosition, LogUnavailable>>,
}

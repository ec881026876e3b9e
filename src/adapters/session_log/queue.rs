//! Messages to the thread that writes the session log.

use tokio::sync::oneshot;

use super::lines::Lines;
use crate::domain::log_position::LogPosition;

/// The number of messages that the queue to the writer holds. Further senders wait.
pub(super) const QUEUE_CAPACITY: usize = 4096;

pub(super) enum Message {
    Append(Entry),
    /// Writes what is queued before and ends the writer.
    Close(oneshot::Sender<()>),
}

/// A callback with the position of the last written line; `None` if they could not be written. It runs on the writer's
/// thread, in the order of the lines.
pub(super) type OnWritten = Box<dyn FnOnce(Option<LogPosition>) + Send>;

/// Lines to be appended together, all of them or none.
pub(super) struct Entry {
    pub(super) lines: Lines,
    /// The position of the last line; `None` until the lines are written.
    pub(super) position: Option<LogPosition>,
    pub(super) on_written: Option<OnWritten>,
    /// Sends the position to the caller.
    pub(super) done: oneshot::Sender<Option<LogPosition>>,
}

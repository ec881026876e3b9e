//! The period of which rows of single turns and sessions are read.

use jiff::Timestamp;
use uuid::Builder;

/// A text that is after the id of every request.
const AFTER_ALL_IDS: &str = "g";

/// The period of which rows are read: by the times in the ids of requests, and by the begin of sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowBounds {
    /// The begin.
    pub since: Option<Timestamp>,
    /// The end.
    pub until: Option<Timestamp>,
}

impl RowBounds {
    /// Returns the ids of requests between which those of the period are.
    pub(super) fn ids(self) -> (String, String) {
        let since = self.since.map(first_id);
        (since.unwrap_or_default(), self.until.map_or_else(|| AFTER_ALL_IDS.to_owned(), first_id))
    }

    /// Returns the begin and the end in microseconds.
    pub(super) fn times(self) -> (i64, i64) {
        let times = [self.since, self.until].map(|time| time.map(Timestamp::as_microsecond));
        (times[0].unwrap_or(i64::MIN), times[1].unwrap_or(i64::MAX))
    }
}

/// Returns the text that is before the ids of all requests from a time on, and after those of earlier ones: they are UUIDv7.
#[must_use]
pub fn first_id(time: Timestamp) -> String {
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid().to_string()
}

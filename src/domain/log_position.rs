//! Positions in the session log.

use jiff::civil::Date;

/// The position after a line of the session log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The date in the name of the log's file.
    pub date: Date,
    /// The length of the file up to the end of the line, in bytes.
    pub end: u64,
}

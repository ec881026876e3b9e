//! Where in the session log something stands.

use jiff::civil::Date;

/// The end of a line: the day of its file, and the file's length in bytes up to and with that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The day of the file.
    pub date: Date,
    /// Bytes from the start of the file.
    pub end: u64,
}

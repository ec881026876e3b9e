//! Encoded lines of the session log that are written together.

use jiff::civil;

use super::event::{Event, encode};

/// Encoded lines with one timestamp, which are written together: all of them or none.
#[derive(Debug)]
pub struct Lines {
    pub(super) date: civil::Date,
    timestamp: String,
    pub(super) text: Vec<u8>,
    /// The number of lines.
    pub(super) count: u64,
}

impl Lines {
    /// Returns no lines, for events of this timestamp and local date.
    pub(super) fn new(timestamp: String, date: civil::Date) -> Self {
        Self { date, timestamp, text: Vec::with_capacity(640), count: 0 }
    }

    /// Adds a line for an event.
    pub fn add<E: Event>(&mut self, event: &E) {
        encode(&mut self.text, &self.timestamp, self.date, event);
        self.count += 1;
    }
}

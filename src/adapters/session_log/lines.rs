//! Encoded lines of the session log that are written together.

use jiff::civil;

use super::event::{Event, encode, encode_fields};

/// Encoded lines with one timestamp, which are written together: all of them or none.
#[derive(Debug)]
pub struct Lines {
    pub(super) date: civil::Date,
    timestamp: String,
    pub(super) text: Vec<u8>,
    /// The offset in each line at which the writer inserts its stamp.
    pub(super) stamp_offsets: Vec<usize>,
}

impl Lines {
    /// Returns no lines, for events of this timestamp and local date.
    pub(super) fn new(timestamp: String, date: civil::Date) -> Self {
        Self { date, timestamp, text: Vec::with_capacity(640), stamp_offsets: Vec::new() }
    }

    /// Adds a line for an event.
    pub fn add<E: Event>(&mut self, event: &E) {
        self.stamp_offsets.push(encode(&mut self.text, &self.timestamp, self.date, event));
    }

    /// Adds a line for an event whose fields are encoded as a JSON object, which is not empty.
    pub fn add_encoded<E: Event>(&mut self, fields: &str) {
        self.stamp_offsets.push(encode_fields(&mut self.text, &self.timestamp, self.date, E::NAME, fields));
    }

    /// Returns the number of lines.
    pub(super) fn count(&self) -> u64 {
        self.stamp_offsets.len() as u64
    }
}

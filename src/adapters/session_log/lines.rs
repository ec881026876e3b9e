//! Encoded lines of the session log that are written together.

use jiff::civil;

use super::event::{Event, encode, encode_fields};

/// Encoded lines with one timestamp, which are written together: all of them or none.
#[derive(Debug)]
pub struct Lines {
    pub(super) date: civil::Date,
    timestamp: String,
    pub(super) text: Vec<u8>,
    /// The bounds of each line in the text.
    pub(super) bounds: Vec<LineBounds>,
    /// The id of the request whose stream is on record until these lines are written.
    pub(super) ended_stream: Option<String>,
}

/// The bounds of a line, as offsets in the text of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineBounds {
    /// Where the writer inserts the line's stamp.
    pub(super) stamp: usize,
    /// The end of the line, after its line feed.
    pub(super) end: usize,
}

impl Lines {
    /// Returns no lines, for events of this timestamp and local date.
    pub(super) fn new(timestamp: String, date: civil::Date) -> Self {
        Self { date, timestamp, text: Vec::with_capacity(640), bounds: Vec::new(), ended_stream: None }
    }

    /// Gives the lines that are added from now on another timestamp of the same date.
    pub(super) fn set_timestamp(&mut self, timestamp: String) {
        self.timestamp = timestamp;
    }

    /// Adds a line for an event.
    pub fn add<E: Event>(&mut self, event: &E) {
        let stamp = encode(&mut self.text, &self.timestamp, self.date, event);
        self.end_line(stamp);
    }

    /// Adds a line for an event whose fields are encoded as a JSON object, which is not empty.
    pub fn add_encoded<E: Event>(&mut self, fields: &str) {
        let stamp = encode_fields(&mut self.text, &self.timestamp, self.date, E::NAME, fields);
        self.end_line(stamp);
    }

    fn end_line(&mut self, stamp: usize) {
        self.bounds.push(LineBounds { stamp, end: self.text.len() });
    }

    /// Ends the record of a stream when these lines are written.
    pub fn end_stream(&mut self, request_id: String) {
        self.ended_stream = Some(request_id);
    }

    /// Returns the date of the lines.
    #[must_use]
    pub fn date(&self) -> civil::Date {
        self.date
    }

    /// Returns the number of lines.
    pub(super) fn count(&self) -> u64 {
        self.bounds.len() as u64
    }
}

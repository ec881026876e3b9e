//! Streams that the end of an earlier process has interrupted.

use std::{collections::BTreeMap, fs::File, io, ops::Range};

use jiff::Timestamp;

use super::super::{files::read_from, reader::LoggedTurn};

/// The streams on record that earlier processes have left, to be read from their file.
#[derive(Debug)]
pub struct InterruptedStreams {
    /// `None` without streams.
    pub(super) file: Option<File>,
    /// The positions of the lines' fields in the file, by the ids of the requests. These are UUIDv7, so the oldest comes first.
    pub(super) fields: BTreeMap<String, Range<u64>>,
    /// The number of lines in the file that are no records.
    pub damaged: u64,
}

impl InterruptedStreams {
    /// Returns whether a stream is among them.
    #[must_use]
    pub fn contains(&self, request_id: &str) -> bool {
        self.fields.contains_key(request_id)
    }

    /// Reads and removes the oldest streams, at most `limit`.
    pub fn read(&mut self, limit: usize) -> io::Result<Vec<InterruptedStream>> {
        let Self { file: Some(file), fields, .. } = self else { return Ok(Vec::new()) };
        let mut streams = Vec::new();
        while streams.len() < limit
            && let Some(next) = fields.first_entry()
        {
            let position = next.get();
            let bytes = read_from(file, position.start, position.end)?;
            // A text that is not UTF-8 was not written by al-chat, and is no turn.
            let fields = String::from_utf8(bytes).unwrap_or_default();
            streams.push(InterruptedStream { request_id: next.remove_entry().0, fields });
        }
        Ok(streams)
    }
}

/// A stream that the end of an earlier process has interrupted.
#[derive(Clone, Debug)]
pub struct InterruptedStream {
    /// The id of the request that started the stream.
    pub request_id: String,
    /// The fields of its `chat` line, as a JSON object.
    pub fields: String,
}

impl InterruptedStream {
    /// Returns the turn as it is read from its line with this timestamp; `None` if the fields are not those of a turn.
    #[must_use]
    pub fn logged_at(&self, timestamp: Timestamp) -> Option<LoggedTurn> {
        let fields = self.fields.strip_prefix('{')?;
        serde_json::from_str(&format!(r#"{{"timestamp":"{timestamp}",{fields}"#)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_of_a_turn_are_a_logged_turn() {
        for fields in ["", "{", "{}", "null", r#"{"request_id":"r"}"#] {
            let stream = InterruptedStream { request_id: "r".to_owned(), fields: fields.to_owned() };
            assert!(stream.logged_at(Timestamp::UNIX_EPOCH).is_none(), "{fields}");
        }
    }
}

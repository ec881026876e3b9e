//! A decoder of Server-Sent Events (HTML Living Standard, 9.2) from the pieces of a body. Lines end in a line feed, a
//! carriage return or both; a byte order mark may come first. Event ids are ignored, and of the event names only
//! `error` is used.

use memchr::memchr;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A complete event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// The data, without the last line ending.
    pub(super) data: &'a [u8],
    /// Whether the event's name is `error`.
    pub(super) is_error: bool,
}

/// A decoder that receives bytes and returns complete events.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// The number of bytes that have been returned.
    taken: usize,
    /// The number of bytes that have been searched for a line ending.
    searched: usize,
    /// Whether any line has been read.
    has_lines: bool,
    /// Whether any comment has been read.
    has_comments: bool,
    /// Whether the last line ended in a carriage return. A line feed that follows is a part of the same line ending.
    ended_in_return: bool,
    partial: PartialEvent,
}

/// The event whose lines are being read.
#[derive(Debug, Default)]
struct PartialEvent {
    data: Vec<u8>,
    is_error: bool,
    /// Whether the event has been returned.
    is_returned: bool,
}

impl Decoder {
    /// Adds bytes of the body.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the number of bytes of incomplete events.
    pub(super) fn pending(&self) -> usize {
        self.bytes.len() - self.taken + self.partial.data.len()
    }

    /// Whether a comment has been read. Servers send comments while they work.
    pub(super) fn has_comments(&self) -> bool {
        self.has_comments
    }

    /// Returns the next complete event that has arrived.
    pub(super) fn next(&mut self) -> Option<Event<'_>> {
        self.clear_returned();
        while let Some((start, end)) = self.next_line() {
            if self.read_line(start, end) {
                return self.event();
            }
        }
        None
    }

    /// Returns the event that is incomplete at the end of the body: the blank line after it, or a part of its last
    /// line, is missing.
    pub(super) fn last(&mut self) -> Option<Event<'_>> {
        self.clear_returned();
        let (start, end) = (self.without_mark(self.taken, self.bytes.len()), self.bytes.len());
        self.taken = end;
        self.searched = end;
        self.read_line(start, end);
        if self.partial.data.is_empty() { None } else { self.event() }
    }

    fn clear_returned(&mut self) {
        if std::mem::take(&mut self.partial.is_returned) {
            self.partial.data.clear();
            self.partial.is_error = false;
        }
    }

    fn event(&mut self) -> Option<Event<'_>> {
        self.partial.is_returned = true;
        // Each line of data ends in a line feed, and the last one is not part of it.
        let data = self.partial.data.strip_suffix(b"\n")?;
        Some(Event { data, is_error: self.partial.is_error })
    }

    /// Returns the bounds of the next complete line.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        let Some(length) = self.line_length() else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + length;
        let start = self.without_mark(self.taken, end);
        (self.taken, self.searched) = (end + 1, end + 1);
        self.ended_in_return = self.bytes[end] == b'\r';
        self.has_lines = true;
        Some((start, end))
    }

    /// Returns the start of a line, after the byte order mark that may precede the first line.
    fn without_mark(&self, start: usize, end: usize) -> usize {
        let has_mark = !self.has_lines && self.bytes[start..end].starts_with(BYTE_ORDER_MARK);
        if has_mark { start + BYTE_ORDER_MARK.len() } else { start }
    }

    /// Returns the distance to the end of the next line; `None` if it has not arrived.
    fn line_length(&mut self) -> Option<usize> {
        if self.ended_in_return && self.searched == self.taken {
            if *self.bytes.get(self.taken)? == b'\n' {
                (self.taken, self.searched) = (self.taken + 1, self.searched + 1);
            }
            self.ended_in_return = false;
        }
        let rest = &self.bytes[self.searched..];
        // Carriage returns are rare, and two searches for one byte are faster than one for two.
        let length = memchr(b'\n', rest);
        memchr(b'\r', &rest[..length.unwrap_or(rest.len())]).or(length)
    }

    /// Adds a line to the event. Returns whether the line ends an event that has data.
    fn read_line(&mut self, start: usize, end: usize) -> bool {
        let line = &self.bytes[start..end];
        if line.is_empty() {
            if self.partial.data.is_empty() {
                self.partial.is_error = false;
            }
            return !self.partial.data.is_empty();
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            self.partial.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.partial.data.push(b'\n');
        } else if line.starts_with(b":") {
            self.has_comments = true;
        } else if let Some(name) = line.strip_prefix(b"event:") {
            self.partial.is_error = name.trim_ascii() == b"error";
        }
        false
    }
}

/// Returns a body without the UTF-8 byte order mark that may precede it.
pub(super) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Whether a body that begins with these bytes is an event stream; `None` while there are too few of them.
pub(super) fn is_event_stream(start: &[u8]) -> Option<bool> {
    const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
    let start = without_byte_order_mark(start).trim_ascii_start();
    let is_field = |field: &&[u8]| start.starts_with(field);
    let may_be_field = |field: &&[u8]| field.starts_with(start);
    match () {
        () if FIELDS.iter().any(is_field) => Some(true),
        () if start.is_empty() || BYTE_ORDER_MARK.starts_with(start) || FIELDS.iter().any(may_be_field) => None,
        () => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            while let Some(event) = decoder.next() {
                events.push(String::from_utf8_lossy(event.data).into_owned());
            }
        }
        events
    }

    #[test]
    fn events_of_real_servers_are_decoded() {
        let text = ": hello\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata: three\r\n\r\nretry: 5\n\n\ndata: [DONE]\n\ndata: tail";
        assert_eq!(decode([text.as_bytes()]), ["one", "two\nthree", "[DONE]"]);
    }

    #[test]
    fn carriage_returns_and_byte_order_marks_are_decoded() {
        assert_eq!(decode([b"\xEF\xBB\xBFdata: one\r\rdata: two\r\r".as_slice(), b"\n"]), ["one", "two"]);
        assert_eq!(decode([b"\xEF".as_slice(), b"\xBB", b"\xBFdata: one\r", b"\n", b"\r", b"\n"]), ["one"]);
    }

    #[test]
    fn events_named_error_are_marked() {
        let mut decoder = Decoder::default();
        decoder.feed(b"event: error\ndata: x\n\nevent: error\n\ndata: y\n\nevent: error \ndata: z\n\n");
        let mut errors = Vec::new();
        while let Some(event) = decoder.next() {
            errors.push(event.is_error);
        }
        assert_eq!(errors, [true, false, true]);
    }

    #[test]
    fn the_last_event_may_lack_its_line_ending() {
        for end in ["", "\n"] {
            let mut decoder = Decoder::default();
            decoder.feed(format!("data: one\n\ndata: two{end}").as_bytes());
            assert!(decoder.next().is_some() && decoder.next().is_none());
            assert_eq!(decoder.last(), Some(Event { data: b"two", is_error: false }));
            assert_eq!(decoder.last(), None);
        }
    }

    #[test]
    fn the_first_bytes_tell_a_stream_from_other_bodies() {
        let streams = ["data: x", "\u{feff}data:", " \nevent: x", ": hello", "id: 1", "retry: 5"];
        assert!(streams.iter().all(|start| is_event_stream(start.as_bytes()) == Some(true)));
        assert!(
            ["{", "[", "<html>", "dat\n", "x"].iter().all(|start| is_event_stream(start.as_bytes()) == Some(false))
        );
        assert!(["", " ", "d", "\n\nda"].iter().all(|start| is_event_stream(start.as_bytes()).is_none()));
        assert_eq!(is_event_stream(b"\xEF\xBB"), None);
    }

    proptest! {
        #[test]
        fn pieces_may_end_anywhere(lines in "(data: ?[a-zé]{0,3}|:|\r?|event: y|\n){0,40}",
                                                       cuts in prop::collection::vec(0_usize..200, 0..10)) {
            let text = lines.as_bytes();
            let mut cuts = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]);
            prop_assert_eq!(decode(pieces), decode([text]));
        }
    }
}

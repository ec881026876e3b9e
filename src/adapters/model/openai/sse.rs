//! Reads Server-Sent Events (HTML Living Standard, 9.2) from pieces of a body: lines that end in a line feed, a carriage
//! return or both, and a byte order mark in front. Ids play no part in what models send, and of names only `error`.

use memchr::memchr;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// Its data, without the last line's end.
    pub(super) data: &'a [u8],
    /// Whether its name is `error`.
    pub(super) is_error: bool,
}

/// Takes in bytes, gives out whole events.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// Up to here the bytes have been given out.
    taken: usize,
    /// Up to here there is no further end of a line.
    searched: usize,
    /// Whether any line has been read.
    has_lines: bool,
    has_comments: bool,
    /// Whether the last line ended in a carriage return, so that a line feed at its place belongs to that.
    ended_in_return: bool,
    at_hand: EventAtHand,
}

/// The event whose lines are being read.
#[derive(Debug, Default)]
struct EventAtHand {
    data: Vec<u8>,
    is_error: bool,
    /// Whether it has been given out.
    is_given: bool,
}

impl Decoder {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their event.
    pub(super) fn pending(&self) -> usize {
        self.bytes.len() - self.taken + self.at_hand.data.len()
    }

    /// Whether a comment has been read: the server is at work.
    pub(super) fn has_comments(&self) -> bool {
        self.has_comments
    }

    /// The next event that is there as a whole.
    pub(super) fn next(&mut self) -> Option<Event<'_>> {
        self.forget_given();
        while let Some((start, end)) = self.next_line() {
            if self.read_line(start, end) {
                return self.event();
            }
        }
        None
    }

    /// The event whose last line, or the blank line behind it, never came: what there is of it at the end of a body.
    pub(super) fn last(&mut self) -> Option<Event<'_>> {
        self.forget_given();
        let (start, end) = (self.without_mark(self.taken, self.bytes.len()), self.bytes.len());
        self.taken = end;
        self.searched = end;
        self.read_line(start, end);
        if self.at_hand.data.is_empty() { None } else { self.event() }
    }

    fn forget_given(&mut self) {
        if std::mem::take(&mut self.at_hand.is_given) {
            self.at_hand.data.clear();
            self.at_hand.is_error = false;
        }
    }

    fn event(&mut self) -> Option<Event<'_>> {
        self.at_hand.is_given = true;
        // Each line of data ends in a line feed, and the last one is not part of it.
        let data = self.at_hand.data.strip_suffix(b"\n")?;
        Some(Event { data, is_error: self.at_hand.is_error })
    }

    /// The bounds of the next whole line.
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

    /// Where a line begins behind the byte order mark that may be before the first one.
    fn without_mark(&self, start: usize, end: usize) -> usize {
        let has_mark = !self.has_lines && self.bytes[start..end].starts_with(BYTE_ORDER_MARK);
        if has_mark { start + BYTE_ORDER_MARK.len() } else { start }
    }

    /// How far it is to the end of the next line.
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

    /// Takes a line in. Returns whether it ends an event that has data.
    fn read_line(&mut self, start: usize, end: usize) -> bool {
        let line = &self.bytes[start..end];
        if line.is_empty() {
            if self.at_hand.data.is_empty() {
                self.at_hand.is_error = false;
            }
            return !self.at_hand.data.is_empty();
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            self.at_hand.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.at_hand.data.push(b'\n');
        } else if line.starts_with(b":") {
            self.has_comments = true;
        } else if let Some(name) = line.strip_prefix(b"event:") {
            self.at_hand.is_error = name.trim_ascii() == b"error";
        }
        false
    }
}

/// Whether a body that begins with these bytes is one of events; none while they are too few to say.
pub(super) fn is_event_stream(start: &[u8]) -> Option<bool> {
    const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
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
    fn what_servers_send_is_understood() {
        let text = ": hello\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata: three\r\n\r\nretry: 5\n\n\ndata: [DONE]\n\ndata: tail";
        assert_eq!(decode([text.as_bytes()]), ["one", "two\nthree", "[DONE]"]);
    }

    #[test]
    fn carriage_returns_and_byte_order_marks_are_understood() {
        assert_eq!(decode([b"\xEF\xBB\xBFdata: one\r\rdata: two\r\r".as_slice(), b"\n"]), ["one", "two"]);
        assert_eq!(decode([b"\xEF".as_slice(), b"\xBB", b"\xBFdata: one\r", b"\n", b"\r", b"\n"]), ["one"]);
    }

    #[test]
    fn events_named_error_are_known_as_such() {
        let mut decoder = Decoder::default();
        decoder.feed(b"event: error\ndata: x\n\nevent: error\n\ndata: y\n\nevent: error \ndata: z\n\n");
        let mut errors = Vec::new();
        while let Some(event) = decoder.next() {
            errors.push(event.is_error);
        }
        assert_eq!(errors, [true, false, true]);
    }

    #[test]
    fn the_last_event_may_lack_its_end() {
        for end in ["", "\n"] {
            let mut decoder = Decoder::default();
            decoder.feed(format!("data: one\n\ndata: two{end}").as_bytes());
            assert!(decoder.next().is_some() && decoder.next().is_none());
            assert_eq!(decoder.last(), Some(Event { data: b"two", is_error: false }));
            assert_eq!(decoder.last(), None);
        }
    }

    #[test]
    fn the_first_bytes_say_what_a_body_is() {
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
        fn it_makes_no_difference_where_the_pieces_end(lines in "(data: ?[a-zé]{0,3}|:|\r?|event: y|\n){0,40}",
                                                       cuts in prop::collection::vec(0_usize..200, 0..10)) {
            let text = lines.as_bytes();
            let mut cuts = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]);
            prop_assert_eq!(decode(pieces), decode([text]));
        }
    }
}

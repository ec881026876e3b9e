//! The stamp of a line: the fields `v`, `instance` and `seq`, which identify the line.

use std::io::Write;

use serde::Deserialize;
use uuid::Uuid;

use super::lines::Lines;
use crate::domain::log_position::LogPosition;

/// The version of the line format, the field `v`.
const VERSION: u64 = 1;

/// Stamps the lines of one process with their numbers.
#[derive(Debug)]
pub struct Stamper {
    instance: Uuid,
    /// The stamp up to the number.
    prefix: Vec<u8>,
    /// The number of the last line that was written.
    last: u64,
}

impl Stamper {
    /// Returns the stamper of the process with this id.
    #[must_use]
    pub fn new(instance: Uuid) -> Self {
        let prefix = format!(r#","v":{VERSION},"instance":"{instance}","seq":"#).into_bytes();
        Self { instance, prefix, last: 0 }
    }

    /// Appends lines to `buffer`, numbered on from those that were written and the `pending` ones before in the buffer.
    /// Returns the number of pending lines then.
    pub fn stamp(&self, lines: &Lines, mut pending: u64, buffer: &mut Vec<u8>) -> u64 {
        buffer.reserve(lines.text.len() + lines.stamp_offsets.len() * (self.prefix.len() + 20));
        let mut copied = 0;
        for &offset in &lines.stamp_offsets {
            pending += 1;
            buffer.extend_from_slice(&lines.text[copied..offset]);
            buffer.extend_from_slice(&self.prefix);
            // Writing to memory does not fail.
            let _ = write!(buffer, "{}", self.last + pending);
            copied = offset;
        }
        buffer.extend_from_slice(&lines.text[copied..]);
        pending
    }

    /// Notes that `lines` further lines were written, and returns the position of the last one.
    pub fn advance(&mut self, lines: u64) -> LogPosition {
        self.last += lines;
        LogPosition { instance: self.instance, seq: self.last }
    }
}

/// A line's event and position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StampedLine<'a> {
    pub(super) event: &'a str,
    pub(super) position: LogPosition,
}

#[derive(Deserialize)]
struct StampFields<'a> {
    event: &'a str,
    instance: &'a str,
    seq: u64,
}

/// Reads event and position of a line; `None` if the line has no stamp. The end of the line is not checked if its fields
/// are in the order in which they are written.
pub(super) fn parse(line: &[u8]) -> Option<StampedLine<'_>> {
    Head(line).parse().or_else(|| parse_reordered(line))
}

/// Reads a line that another program has rewritten with its fields in another order.
fn parse_reordered(line: &[u8]) -> Option<StampedLine<'_>> {
    memchr::memmem::find(line, b"\"instance\"")?;
    let StampFields { event, instance, seq } = serde_json::from_slice(line).ok()?;
    Some(StampedLine { event, position: LogPosition { instance: instance.parse().ok()?, seq } })
}

/// The rest of a line whose fields are in the order in which they are written. Recovery reads gigabytes, and a JSON parser
/// would read each line to its end.
struct Head<'a>(&'a [u8]);

impl<'a> Head<'a> {
    fn parse(&mut self) -> Option<StampedLine<'a>> {
        self.skip(b"{\"event\":\"")?;
        let event = self.until_quote()?;
        self.skip(b",\"timestamp\":\"")?;
        self.until_quote()?;
        self.skip(b",\"date\":\"")?;
        self.until_quote()?;
        self.skip(b",\"v\":")?;
        self.number()?;
        self.skip(b",\"instance\":\"")?;
        let instance = Uuid::try_parse(self.until_quote()?).ok()?;
        self.skip(b",\"seq\":")?;
        let seq = self.number()?;
        Some(StampedLine { event, position: LogPosition { instance, seq } })
    }

    fn skip(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Reads to the next quotation mark, and past it. Names, times and ids have no escapes.
    fn until_quote(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.0)?;
        let text = std::str::from_utf8(&self.0[..end]).ok()?;
        self.0 = &self.0[end + 1..];
        Some(text)
    }

    fn number(&mut self) -> Option<u64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit())?;
        let digits = std::str::from_utf8(&self.0[..end]).ok()?;
        self.0 = &self.0[end..];
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;
    use crate::adapters::session_log::event::SessionStart;

    fn lines(count: usize) -> Lines {
        let mut lines = Lines::new("2026-01-01T10:00:00.000000+01:00".to_owned(), date(2026, 1, 1));
        for _ in 0..count {
            lines.add(&SessionStart { session_id: "a\"\n" });
        }
        lines
    }

    #[test]
    fn lines_are_numbered_on_from_those_that_were_written() {
        let instance = Uuid::from_u128(7);
        let mut stamper = Stamper::new(instance);
        let mut buffer = Vec::new();
        let pending = stamper.stamp(&lines(2), 0, &mut buffer);
        // A failed write takes no number.
        buffer.clear();
        assert_eq!((pending, stamper.stamp(&lines(2), 0, &mut buffer)), (2, 2));
        assert_eq!(stamper.stamp(&lines(1), 2, &mut buffer), 3);
        assert_eq!(stamper.advance(3), LogPosition { instance, seq: 3 });
        stamper.stamp(&lines(1), 0, &mut buffer);
        let text = String::from_utf8(buffer).unwrap();
        for (line, seq) in text.lines().zip(1_u64..) {
            let parsed = parse(line.as_bytes()).unwrap();
            assert_eq!(parsed, StampedLine { event: "session_start", position: LogPosition { instance, seq } });
            let value: Value = serde_json::from_str(line).unwrap();
            let stamp = json!([value["v"], value["instance"], value["seq"], value["session_id"]]);
            assert_eq!(stamp, json!([1, instance.to_string(), seq, "a\"\n"]));
        }
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn fields_in_another_order_are_read_too() {
        let instance = Uuid::from_u128(7);
        let line =
            json!({ "seq": 12, "message": "x", "instance": instance.to_string(), "event": "chat", "v": 1 }).to_string();
        let expected = StampedLine { event: "chat", position: LogPosition { instance, seq: 12 } };
        assert_eq!(parse(line.as_bytes()), Some(expected));
        for line in ["", "{", "not JSON", r#"{"event":"chat","timestamp":"t","date":"d","request_id":"\"instance\""}"#]
        {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}

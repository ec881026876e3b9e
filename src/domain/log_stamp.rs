//! The stamp of a line of the session log: the fields `v`, `instance`, `seq` and `chain`, which identify the line and prove
//! what it follows. Lines of version 0.1 and before have none.

use std::ops::Range;

use serde::Deserialize;
use uuid::Uuid;

use super::{
    log_chain::{CHAIN_DIGITS, Chain},
    log_position::LogPosition,
};

/// The version of the line format, the field `v`.
pub const VERSION: u64 = 1;

/// The greatest number that a line can have: the database stores numbers as signed integers.
const MAX_SEQ: u64 = i64::MAX.cast_unsigned();

/// The text before the digits of a line's chain. A quotation mark follows them.
pub const CHAIN_FIELD: &str = r#","chain":""#;

/// The fields at the head of a line with a stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedLine<'a> {
    /// The name of the event.
    pub event: &'a str,
    /// The time, as it is written; empty if the line has none.
    pub timestamp: &'a str,
    /// The date, as YYYY-MM-DD; empty if the line has none.
    pub date: &'a str,
    /// The line's position in the log.
    pub position: LogPosition,
    /// The line's chain; `None` for lines that were written before chains were, and for a line whose fields another program
    /// has reordered.
    pub chain: Option<StampedChain>,
}

/// The chain in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedChain {
    /// The chain.
    pub chain: Chain,
    /// The bytes `,"chain":"…"` in the line, which the hash leaves out.
    pub at: Range<usize>,
}

#[derive(Deserialize)]
struct StampFields<'a> {
    event: &'a str,
    #[serde(default)]
    timestamp: &'a str,
    #[serde(default)]
    date: &'a str,
    instance: &'a str,
    seq: u64,
}

/// Reads the head of a line; `None` if the line has no stamp. The rest of the line is not checked if its fields are in the
/// order in which they are written.
#[must_use]
pub fn parse(line: &[u8]) -> Option<StampedLine<'_>> {
    Head { line, at: 0 }.parse().or_else(|| parse_reordered(line))
}

/// Reads a line that another program has rewritten with its fields in another order.
fn parse_reordered(line: &[u8]) -> Option<StampedLine<'_>> {
    memchr::memmem::find(line, b"\"instance\"")?;
    let StampFields { event, timestamp, date, instance, seq } = serde_json::from_slice(line).ok()?;
    let position = position(instance.parse().ok()?, seq)?;
    Some(StampedLine { event, timestamp, date, position, chain: None })
}

/// Returns the position of a line; `None` if no line can have this number.
fn position(instance: Uuid, seq: u64) -> Option<LogPosition> {
    (1..=MAX_SEQ).contains(&seq).then_some(LogPosition { instance, seq })
}

/// The head of a line whose fields are in the order in which they are written. Tools read gigabytes, and a JSON parser
/// would read each line to its end.
struct Head<'a> {
    line: &'a [u8],
    /// The offset of what is not read yet.
    at: usize,
}

impl<'a> Head<'a> {
    fn parse(&mut self) -> Option<StampedLine<'a>> {
        self.skip(b"{\"event\":\"")?;
        let event = self.until_quote()?;
        self.skip(b",\"timestamp\":\"")?;
        let timestamp = self.until_quote()?;
        self.skip(b",\"date\":\"")?;
        let date = self.until_quote()?;
        self.skip(b",\"v\":")?;
        self.number()?;
        self.skip(b",\"instance\":\"")?;
        let instance = Uuid::try_parse(self.until_quote()?).ok()?;
        self.skip(b",\"seq\":")?;
        let seq = self.number()?;
        let position = position(instance, seq)?;
        Some(StampedLine { event, timestamp, date, position, chain: self.chain() })
    }

    fn chain(&mut self) -> Option<StampedChain> {
        let start = self.at;
        self.skip(CHAIN_FIELD.as_bytes())?;
        let chain = Chain::parse(self.line.get(self.at..self.at + CHAIN_DIGITS)?)?;
        self.at += CHAIN_DIGITS;
        self.skip(b"\"")?;
        Some(StampedChain { chain, at: start..self.at })
    }

    fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    fn skip(&mut self, text: &[u8]) -> Option<()> {
        self.at += self.rest().starts_with(text).then_some(text.len())?;
        Some(())
    }

    /// Reads to the next quotation mark, and past it. Names, times and ids have no escapes.
    fn until_quote(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let end = memchr::memchr(b'"', rest)?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let rest = self.rest();
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        self.at += end;
        std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(instance: Uuid, seq: u64) -> LogPosition {
        LogPosition { instance, seq }
    }

    #[test]
    fn the_head_of_a_line_is_read() {
        let instance = Uuid::from_u128(7);
        let head =
            format!(r#"{{"event":"chat","timestamp":"t","date":"2026-01-01","v":1,"instance":"{instance}","seq":12"#);
        let field = r#","chain":"000102030405060708090a0b0c0d0e0f""#;
        let chain = Chain::parse(b"000102030405060708090a0b0c0d0e0f").unwrap();
        let expected = StampedLine {
            event: "chat",
            timestamp: "t",
            date: "2026-01-01",
            position: at(instance, 12),
            chain: Some(StampedChain { chain, at: head.len()..head.len() + field.len() }),
        };
        assert_eq!(parse(format!("{head}{field},\"x\":0}}").as_bytes()), Some(expected.clone()));
        // A line of an earlier version, and lines whose chain is damaged or not at its place.
        for rest in [",\"x\":0}", "}", r#","chain":"12"}"#, r#","x":0,"chain":"000102030405060708090a0b0c0d0e0f"}"#] {
            let line = format!("{head}{rest}");
            assert_eq!(parse(line.as_bytes()), Some(StampedLine { chain: None, ..expected.clone() }), "{line}");
        }
    }

    #[test]
    fn numbers_that_no_line_can_have_are_none() {
        let instance = Uuid::from_u128(7);
        for (seq, is_number) in [(0, false), (1, true), (MAX_SEQ, true), (MAX_SEQ + 1, false), (u64::MAX, false)] {
            let head =
                format!(r#"{{"event":"chat","timestamp":"t","date":"d","v":1,"instance":"{instance}","seq":{seq}}}"#);
            let reordered = json!({ "seq": seq, "instance": instance.to_string(), "event": "chat" }).to_string();
            for line in [head, reordered] {
                assert_eq!(parse(line.as_bytes()).is_some(), is_number, "{line}");
            }
        }
    }

    #[test]
    fn fields_in_another_order_are_read_too() {
        let instance = Uuid::from_u128(7);
        let line = json!({ "seq": 12, "message": "x", "instance": instance.to_string(), "event": "chat", "v": 1 });
        let expected = StampedLine { event: "chat", timestamp: "", date: "", position: at(instance, 12), chain: None };
        assert_eq!(parse(line.to_string().as_bytes()), Some(expected));
        for line in ["", "{", "not JSON", r#"{"event":"chat","timestamp":"t","date":"d","request_id":"\"instance\""}"#]
        {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}

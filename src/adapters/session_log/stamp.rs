//! Stamps the lines that this process writes.

use std::io::Write;

use uuid::Uuid;

use super::lines::Lines;
use crate::domain::{
    log_chain::ChainHasher,
    log_position::LogEnd,
    log_stamp::{CHAIN_FIELD, VERSION},
};

/// The most bytes that a stamp has after its instance: `seq` and `chain`.
const MAX_NUMBER_AND_CHAIN: usize = 64;

/// Stamps the lines of one process with their numbers and chains.
#[derive(Debug)]
pub struct Stamper {
    /// The stamp up to the number.
    prefix: Vec<u8>,
    hasher: ChainHasher,
}

impl Stamper {
    /// Creates the stamper of a process.
    #[must_use]
    pub fn new(instance: Uuid, hasher: ChainHasher) -> Self {
        let prefix = format!(r#","v":{VERSION},"instance":"{instance}","seq":"#).into_bytes();
        Self { prefix, hasher }
    }

    /// Appends lines to `buffer`, stamped as those that follow `end`. Returns the end of the log after them.
    pub fn stamp(&mut self, lines: &Lines, mut end: LogEnd, buffer: &mut Vec<u8>) -> LogEnd {
        buffer.reserve(lines.text.len() + lines.bounds.len() * (self.prefix.len() + MAX_NUMBER_AND_CHAIN));
        let mut start = 0;
        for bounds in &lines.bounds {
            let (head, rest) = (&lines.text[start..bounds.stamp], &lines.text[bounds.stamp..bounds.end]);
            end = self.stamp_line(head, rest, end, buffer);
            start = bounds.end;
        }
        end
    }

    /// Appends one line, given as the parts before and after its stamp. The second part ends with the line feed.
    fn stamp_line(&mut self, head: &[u8], rest: &[u8], mut end: LogEnd, buffer: &mut Vec<u8>) -> LogEnd {
        let start = buffer.len();
        end.position.seq += 1;
        buffer.extend_from_slice(head);
        buffer.extend_from_slice(&self.prefix);
        // Writing to memory does not fail.
        let _ = write!(buffer, "{}", end.position.seq);
        end.chain = self.hasher.chain(end.chain, &buffer[start..], &rest[..rest.len() - 1]);
        buffer.extend_from_slice(CHAIN_FIELD.as_bytes());
        end.chain.append_to(buffer);
        buffer.push(b'"');
        buffer.extend_from_slice(rest);
        end
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        adapters::session_log::event::SessionStart,
        domain::{
            log_chain::Chain,
            log_position::LogPosition,
            log_stamp::{StampedLine, parse},
        },
    };

    fn lines(count: usize) -> Lines {
        let mut lines = Lines::new("2026-01-01T10:00:00.000000+01:00".to_owned(), date(2026, 1, 1));
        for _ in 0..count {
            lines.add(&SessionStart { session_id: "a\"\n" });
        }
        lines
    }

    #[test]
    fn lines_are_numbered_and_chained_on_from_the_end() {
        let instance = Uuid::from_u128(7);
        let (mut stamper, start) = (Stamper::new(instance, ChainHasher::without_key()), LogEnd::start(instance));
        let mut buffer = Vec::new();
        let lost = stamper.stamp(&lines(2), start, &mut buffer);
        // A failed write takes no number.
        buffer.clear();
        assert_eq!(stamper.stamp(&lines(2), start, &mut buffer), lost);
        let end = stamper.stamp(&lines(2), lost, &mut buffer);
        assert_eq!(end.position, LogPosition { instance, seq: 4 });
        let text = String::from_utf8(buffer).unwrap();
        let (mut hasher, mut chain) = (ChainHasher::without_key(), Chain::START);
        for (line, seq) in text.lines().zip(1_u64..) {
            let StampedLine { event, date, position, chain: found, .. } = parse(line.as_bytes()).unwrap();
            assert_eq!((event, date, position.seq), ("session_start", "2026-01-01", seq));
            let value: Value = serde_json::from_str(line).unwrap();
            let stamp = json!([value["v"], value["instance"], value["seq"], value["session_id"]]);
            assert_eq!(stamp, json!([1, instance.to_string(), seq, "a\"\n"]));
            let found = found.unwrap();
            let (head, rest) = (&line[..found.at.start], &line[found.at.end..]);
            chain = hasher.chain(chain, head.as_bytes(), rest.as_bytes());
            assert_eq!((chain, Some(chain.to_string().as_str())), (found.chain, value["chain"].as_str()));
        }
        assert_eq!((text.lines().count(), chain), (4, end.chain));
    }
}

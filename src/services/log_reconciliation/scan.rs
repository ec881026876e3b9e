//! The lines of one chunk of a file. Chunks are scanned in parallel.

use serde::Deserialize;

use super::sums::Sums;
use crate::{
    adapters::{
        log_files::{Chunk, Line, LineEnd},
        session_log::{ChatLine, Event, SessionStop},
    },
    domain::{
        cost::pico_dollars,
        log_position::LogPosition,
        log_stamp::{self, StampedLine},
    },
};

/// The lines of a chunk.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) file_index: usize,
    /// The lines with a position, in their order.
    pub(super) lines: Vec<PositionedLine>,
    /// The first of these by its position, with its time as it is written.
    pub(super) first: Option<(LogPosition, String)>,
    /// The number of turns whose lines have no position, as earlier versions wrote them.
    pub(super) unstamped_turns: u64,
    /// The numbers of lines that cannot be read, and of the line after the last one that could be read.
    pub(super) unreadable: Vec<u64>,
}

/// A line with its position.
#[derive(Debug)]
pub(super) struct PositionedLine {
    pub(super) position: LogPosition,
    pub(super) event: LineEvent,
}

/// What a line tells.
#[derive(Debug)]
pub(super) enum LineEvent {
    Turn(Box<Turn>),
    /// The stop of the session with this id.
    Stop(String),
    Other,
}

/// The fields of a `chat` line that are compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Turn {
    pub(super) timestamp: String,
    pub(super) date: String,
    pub(super) request_id: String,
    pub(super) session_id: Option<String>,
    pub(super) chat_id: Option<i64>,
    pub(super) model: String,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    pub(super) cost_usd: Option<f64>,
    pub(super) latency_ms: f64,
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) finish: String,
}

#[derive(Deserialize)]
struct Stop {
    session_id: Option<String>,
}

#[derive(Deserialize)]
struct Time {
    timestamp: String,
}

impl Turn {
    /// Returns the error code as the database keeps it; empty for an answered turn.
    pub(super) fn error_code(&self) -> String {
        match &self.code {
            _ if self.status == 200 => String::new(),
            Some(code) => code.clone(),
            None => format!("status {}", self.status),
        }
    }

    /// Returns the cost in pico-dollars; 0 if it is not known.
    pub(super) fn cost(&self) -> u64 {
        self.cost_usd.map(pico_dollars).unwrap_or_default()
    }

    pub(super) fn sums(&self) -> Sums {
        Sums {
            turns: 1,
            errors: u64::from(self.status != 200),
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            cost_pico_usd: self.cost(),
        }
    }
}

/// Scans a chunk.
pub(super) fn scan(chunk: &Chunk<'_>) -> Scan {
    let mut scan = Scan { file_index: chunk.file_index, ..Scan::default() };
    for line in chunk.lines() {
        scan.add(line);
    }
    scan.unreadable.extend(chunk.failure.as_ref().map(|_| chunk.next_line()));
    scan
}

impl Scan {
    fn add(&mut self, line: Line<'_>) {
        let Some(stamped) = log_stamp::parse(line.bytes) else { return self.add_unstamped(line) };
        match event(&stamped, line.bytes) {
            Ok(event) if !matches!(line.end, LineEnd::TooLong { .. }) => {
                let position = stamped.position;
                if self.first.as_ref().is_none_or(|(first, _)| position < *first)
                    && let Ok(Time { timestamp }) = serde_json::from_slice(line.bytes)
                {
                    self.first = Some((position, timestamp));
                }
                self.lines.push(PositionedLine { position, event });
            }
            // It was never confirmed to its caller.
            Err(_) if line.end == LineEnd::Torn => {}
            _ => self.unreadable.push(line.number),
        }
    }

    fn add_unstamped(&mut self, line: Line<'_>) {
        #[derive(Deserialize)]
        struct Named {
            event: String,
        }
        match serde_json::from_slice::<Named>(line.bytes) {
            Ok(named) => self.unstamped_turns += u64::from(named.event == ChatLine::NAME),
            Err(_) if line.end == LineEnd::Torn => {}
            Err(_) => self.unreadable.push(line.number),
        }
    }
}

fn event(stamped: &StampedLine<'_>, line: &[u8]) -> serde_json::Result<LineEvent> {
    match stamped.event {
        ChatLine::NAME => serde_json::from_slice(line).map(LineEvent::Turn),
        SessionStop::NAME => {
            let stop = serde_json::from_slice::<Stop>(line)?;
            Ok(stop.session_id.map_or(LineEvent::Other, LineEvent::Stop))
        }
        _ => Ok(LineEvent::Other),
    }
}

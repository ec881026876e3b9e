//! The lines of one chunk of a file. Chunks are scanned in parallel.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, de::IgnoredAny};
use uuid::Uuid;

use super::sums::Sums;
use crate::{
    adapters::{
        log_files::{Chunk, Line, LineFault, parse_line},
        session_log::{ChatLine, Event, LogDeleted, ServiceStart, SessionStop},
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
    /// The runs of these.
    pub(super) runs: Vec<Run>,
    /// The numbers of turns whose lines have no position, as earlier versions wrote them, by their dates.
    pub(super) unstamped_turns: BTreeMap<String, u64>,
    /// The numbers of damaged lines.
    pub(super) damaged: Vec<(u64, LineFault)>,
    /// The reason for which the file could not be read to its end, and the number of the line after the last one.
    pub(super) failure: Option<(u64, io::Error)>,
    /// Whether the file was deleted since it was listed.
    pub(super) is_deleted: bool,
}

/// Lines of one process and day that follow each other, by increasing numbers.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) instance: Uuid,
    pub(super) day: String,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// The time of the first line, as it is written.
    pub(super) begin: String,
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
    /// The start of a process after this one, which wrote to the folder before.
    StartAfter(Uuid),
    /// The declaration that a file is deleted.
    Deleted(LogDeleted),
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
struct Start {
    previous: Option<Previous>,
}

#[derive(Deserialize)]
struct Previous {
    instance: String,
}

impl Turn {
    /// Returns the error code as it is in the database; empty for an answered turn.
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
    let mut scan = Scan { file_index: chunk.file_index, is_deleted: chunk.is_deleted, ..Scan::default() };
    for line in chunk.lines() {
        scan.add(line);
    }
    scan.failure = chunk.failure.as_ref().map(|failure| (chunk.next_line(), copy_of(failure)));
    scan
}

fn copy_of(failure: &io::Error) -> io::Error {
    match failure.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(failure.kind(), failure.to_string()),
    }
}

impl Scan {
    fn add(&mut self, line: Line<'_>) {
        let added = match log_stamp::parse(line.bytes) {
            Some(stamped) => self.add_stamped(line, &stamped),
            None => self.add_unstamped(line),
        };
        match added {
            // A line that the end of its file cuts off was never confirmed to its caller.
            Ok(()) | Err(LineFault::Torn) => {}
            Err(kind) => self.damaged.push((line.number, kind)),
        }
    }

    fn add_stamped(&mut self, line: Line<'_>, stamped: &StampedLine<'_>) -> Result<(), LineFault> {
        let event = event(stamped.event, line)?;
        self.add_to_runs(stamped);
        self.lines.push(PositionedLine { position: stamped.position, event });
        Ok(())
    }

    fn add_to_runs(&mut self, line: &StampedLine<'_>) {
        let LogPosition { instance, seq } = line.position;
        match self.runs.last_mut() {
            Some(run) if run.instance == instance && run.day == line.date && run.last_seq < seq => run.last_seq = seq,
            _ => {
                let (day, begin) = (line.date.to_owned(), line.timestamp.to_owned());
                self.runs.push(Run { instance, day, first_seq: seq, last_seq: seq, begin });
            }
        }
    }

    fn add_unstamped(&mut self, line: Line<'_>) -> Result<(), LineFault> {
        #[derive(Deserialize)]
        struct Named {
            event: String,
            #[serde(default)]
            date: String,
        }
        let named = parse_line::<Named>(line.bytes, line.end)?;
        if named.event == ChatLine::NAME {
            *self.unstamped_turns.entry(named.date).or_default() += 1;
        }
        Ok(())
    }
}

fn event(name: &str, Line { bytes, end, .. }: Line<'_>) -> Result<LineEvent, LineFault> {
    Ok(match name {
        ChatLine::NAME => LineEvent::Turn(parse_line(bytes, end)?),
        SessionStop::NAME => {
            let stop = parse_line::<Stop>(bytes, end)?;
            stop.session_id.map_or(LineEvent::Other, LineEvent::Stop)
        }
        ServiceStart::NAME => {
            let previous = parse_line::<Start>(bytes, end)?.previous;
            let previous = previous.and_then(|previous| previous.instance.parse().ok());
            previous.map_or(LineEvent::Other, LineEvent::StartAfter)
        }
        LogDeleted::NAME => LineEvent::Deleted(parse_line(bytes, end)?),
        _ => parse_line::<IgnoredAny>(bytes, end).map(|_| LineEvent::Other)?,
    })
}

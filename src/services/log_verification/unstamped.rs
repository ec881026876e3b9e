//! Lines without a stamp: those of earlier versions, and those that are no lines of a session log.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, de::IgnoredAny};

use super::place::Place;
use crate::adapters::log_files::{LineEnd, LineFault, parse_line};

/// Lines without a stamp that follow each other in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: Place,
    pub(super) count: u64,
    pub(super) form: Form,
}

/// What a line without a stamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An event with the date of its time, as earlier versions wrote it, or a line that has lost its number.
    Event(Option<Date>),
    NoEvent,
    NotUtf8,
    ZeroBytes,
    TooLong,
}

/// The fields that each event of an earlier version has.
#[derive(Deserialize)]
struct EventFields<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
}

impl Span {
    /// Returns whether a line follows these lines in their file.
    pub(super) fn is_before(&self, place: Place) -> bool {
        self.first.file == place.file && self.first.line + self.count == place.line
    }
}

impl Form {
    /// Returns the form of a line without a stamp.
    pub(super) fn of(line: &[u8]) -> Self {
        match parse_line(line, LineEnd::Whole) {
            Ok(EventFields { event, timestamp }) if !event.is_empty() => {
                Self::Event(timestamp.get(..10).and_then(|date| date.parse().ok()))
            }
            Err(LineFault::Nul) => Self::ZeroBytes,
            Err(LineFault::NotUtf8) => Self::NotUtf8,
            Ok(_) | Err(_) => Self::NoEvent,
        }
    }

    /// Returns why a line of this form is not one of the session log, for people.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Event(_) => "no number",
            Self::NoEvent => "no JSON object with an event",
            Self::NotUtf8 => "not UTF-8",
            Self::ZeroBytes => "zero bytes, as after a power loss",
            Self::TooLong => "longer than 64 MiB",
        }
    }
}

/// Returns whether a line is a JSON object in UTF-8.
pub(super) fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && parse_line::<IgnoredAny>(line, LineEnd::Whole).is_ok()
}

/// Adds a line that comes after those before.
pub(super) fn add(spans: &mut Vec<Span>, place: Place, form: Form) {
    match spans.last_mut() {
        Some(span) if span.is_before(place) && span.form == form => span.count += 1,
        _ => spans.push(Span { first: place, count: 1, form }),
    }
}

/// Takes the lines that stand directly before a place, without others between.
pub(super) fn take_before(spans: &mut Vec<Span>, mut place: Place) -> Vec<Span> {
    let mut taken = Vec::new();
    while let Some(span) = spans.pop_if(|span| span.is_before(place)) {
        place = span.first;
        taken.push(span);
    }
    taken.reverse();
    taken
}

//! One line of a log, for people.

use serde_json::{Map, Value};

use super::printable::{printable, printable_lines};
use crate::adapters::session_log::{ChatLine, Event, FeedbackLine};

/// The form of the day in a time.
const DAY: &str = "2026-11-29";

/// The fields that every line has, those that stand for themselves, and a comment, openly and sealed.
const HEAD: [&str; 10] =
    ["event", "timestamp", "date", "v", "instance", "seq", "chain", "session_id", "comment", "sealed"];

/// The fields of a line, whatever its event and version.
pub(super) struct EventLine(Map<String, Value>);

impl EventLine {
    /// Parses a line; `None` if it is not a JSON object.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok().map(Self)
    }

    /// Returns a text of the line as it can be printed; `None` if it lacks the field.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        Some(printable(self.0.get(field)?.as_str()?).into_owned())
    }

    /// Returns a text of the line with its line breaks, each line as it can be printed.
    pub(super) fn lines(&self, field: &str) -> Option<String> {
        self.0.get(field)?.as_str().map(printable_lines)
    }

    /// Returns a number; `None` if the line lacks the field.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.0.get(field)?.as_f64()
    }

    /// Returns a whole number; `None` if the line lacks the field.
    pub(super) fn count(&self, field: &str) -> Option<u64> {
        self.0.get(field)?.as_u64()
    }

    /// Returns a field of any type; `None` if the line lacks it.
    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// Returns the calls to models of a turn with retries, as far as the line has them.
    pub(super) fn calls(&self) -> Vec<Self> {
        let calls = self.0.get("calls").and_then(Value::as_array).into_iter().flatten();
        calls.filter_map(|call| call.as_object().cloned().map(Self)).collect()
    }

    /// Returns the kind of the line.
    pub(super) fn event(&self) -> String {
        self.text("event").unwrap_or_default()
    }

    /// Returns the local time to milliseconds, `2026-11-29 13:45:46.132`.
    pub(super) fn time(&self) -> String {
        let time = self.text("timestamp").unwrap_or_default();
        let (day, clock) = time.split_at_checked(DAY.len()).unwrap_or((&time, ""));
        // The offset begins with a sign or a letter.
        let clock = clock.split(['+', '-', 'Z']).next().unwrap_or_default();
        let local = day.chars().chain(clock.chars());
        local.take("2026-11-29T13:45:46.132".len()).collect::<String>().replacen('T', " ", 1)
    }

    /// Returns whether the line is that of a turn.
    pub(super) fn is_turn(&self) -> bool {
        self.event() == ChatLine::NAME
    }

    /// Returns whether the line is that of a rating.
    pub(super) fn is_feedback(&self) -> bool {
        self.event() == FeedbackLine::NAME
    }

    /// Returns whether a turn has failed. Earlier versions wrote no code.
    pub(super) fn is_error(&self) -> bool {
        self.text("code").is_some() || self.count("status").is_some_and(|status| status >= 400)
    }

    /// Returns how a turn ended: its `finish`, and of a failed one its code and status.
    pub(super) fn outcome(&self) -> String {
        let status = self.count("status").map(|status| status.to_string());
        let failure = if self.is_error() { [self.text("code"), status.clone()] } else { [None, None] };
        let finish = self.text("finish").or_else(|| status.filter(|_| !self.is_error()));
        let parts = [finish].into_iter().chain(failure).flatten().collect::<Vec<_>>();
        parts.join(" ")
    }

    /// Returns the fields of another event as `name=value`, without those that every line has, those that are null, and texts of
    /// people.
    pub(super) fn details(&self) -> String {
        let mut shown = Vec::new();
        for (name, value) in self.0.iter().filter(|(name, _)| !HEAD.contains(&name.as_str())) {
            match value {
                Value::Object(fields) => shown.extend(
                    fields.iter().filter_map(|(inner, value)| Some(format!("{name}.{inner}={}", short(value)?))),
                ),
                // Of a list of objects, the number.
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    shown.push(format!("{name}={}", items.len()));
                }
                _ => shown.extend(short(value).map(|value| format!("{name}={value}"))),
            }
        }
        printable(&shown.join(" ")).into_owned()
    }
}

/// Returns a value as text; `None` for null.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if !text.is_empty() && !text.contains([' ', '=', '"']) => Some(text.clone()),
        _ => Some(value.to_string()),
    }
}

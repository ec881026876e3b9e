//! One line of a log as a row with columns.

use super::super::{
    event_line::EventLine,
    numbers::{dollars, milliseconds},
    palette::{Palette, Role},
};
use crate::{
    adapters::session_log::{
        ChatLine, Event, LogDeleted, LogGap, RefusalLine, ServiceStart, ServiceStop, SessionStart, SessionStop,
    },
    domain::finish::Finish,
};

/// The widths of the columns before the last one.
const TIME: usize = 23;
const EVENT: usize = 15;
/// That of an id that `POST /api/session/start` returns.
const SESSION: usize = 48;
const USER: usize = 14;
const MODEL: usize = 18;
const TOKENS: usize = 11;
const COST: usize = 11;
const LATENCY: usize = 11;

/// The value of a field that a line lacks.
const NONE: &str = "-";

/// The form of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    palette: Palette,
}

impl Rows {
    pub(super) fn new(palette: Palette) -> Self {
        Self { palette }
    }

    /// Returns the names of the columns, for a terminal.
    pub(super) fn header(self) -> String {
        if !self.palette.is_terminal() {
            return String::new();
        }
        let names = format!(
            "{:TIME$} {:EVENT$} {:SESSION$} {:USER$} {:MODEL$} {:>TOKENS$} {:>COST$} {:>LATENCY$} end",
            "time", "event", "session", "user", "model", "tokens", "cost", "latency"
        );
        format!("{}\n", self.palette.paint(Role::Minor, &names))
    }

    /// Returns the row of a line, without a line feed.
    pub(super) fn row(self, line: &[u8]) -> String {
        let Some(line) = EventLine::parse(line) else { return String::new() };
        let role = role(&line);
        let session = line.text("session_id").unwrap_or_else(|| NONE.to_owned());
        let time = self.palette.paint(Role::Minor, &format!("{:TIME$}", line.time()));
        let event = self.palette.paint(role, &format!("{:EVENT$}", line.event()));
        let rest = if line.is_turn() { self.turn(&line, role) } else { line.details() };
        format!("{time} {event} {session:SESSION$} {rest}").trim_end().to_owned()
    }

    fn turn(self, line: &EventLine, role: Role) -> String {
        let text = |field| line.text(field).unwrap_or_else(|| NONE.to_owned());
        let (user, model) = (text("username"), text("model"));
        let cost = line.number("cost_usd").map_or_else(|| NONE.to_owned(), dollars);
        let latency = line.number("latency_ms").map_or_else(|| NONE.to_owned(), milliseconds);
        let outcome = self.palette.paint(role, &line.outcome());
        let notes = self.palette.paint(Role::Minor, &notes(line));
        let tokens = tokens(line);
        format!("{user:USER$} {model:MODEL$} {tokens:>TOKENS$} {cost:>COST$} {latency:>LATENCY$} {outcome}{notes}")
    }
}

fn tokens(line: &EventLine) -> String {
    match (line.count("prompt_tokens"), line.count("completion_tokens"), line.count("total_tokens")) {
        (Some(prompt), Some(completion), _) => format!("{prompt}+{completion}"),
        (_, _, Some(total)) => total.to_string(),
        _ => NONE.to_owned(),
    }
}

/// Returns what is unusual about a turn: a model in place of the requested one, retries, and sealed texts without a session.
fn notes(line: &EventLine) -> String {
    let requested = line.text("requested_model").filter(|requested| Some(requested) != line.text("model").as_ref());
    let requested = requested.map(|requested| format!(", instead of {requested}")).unwrap_or_default();
    let attempts = line.count("attempts").filter(|attempts| *attempts > 1);
    let attempts = attempts.map(|attempts| format!(", {attempts} attempts")).unwrap_or_default();
    // Texts of a turn without a session are erased by the id of their key.
    let key = line.text("content_key").filter(|_| line.text("session_id").is_none());
    let key = key.map(|id| format!(", content_key {id}")).unwrap_or_default();
    format!("{requested}{attempts}{key}")
}

fn role(line: &EventLine) -> Role {
    match line.event().as_str() {
        ChatLine::NAME if line.is_error() => Role::Bad,
        ChatLine::NAME if line.text("finish").is_none_or(|finish| finish == Finish::Complete.as_str()) => Role::Good,
        LogGap::NAME => Role::Bad,
        ChatLine::NAME | LogDeleted::NAME | RefusalLine::NAME => Role::Notable,
        ServiceStart::NAME | ServiceStop::NAME | SessionStart::NAME | SessionStop::NAME => Role::Frame,
        _ => Role::Minor,
    }
}

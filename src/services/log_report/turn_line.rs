//! Single turns and sessions, as lines of the log have them.

use serde::Deserialize;

use super::{fields::Fields, line_parser::parse};
use crate::adapters::{
    log_files::LineEnd,
    session_log::{ChatLine, Event, SessionStart, SessionStop},
};

/// A `chat` line without its texts. Lines of earlier versions lack fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TurnLine {
    /// The id of the request.
    pub request_id: Option<String>,
    /// The time of the turn's end, as it is in the log.
    pub timestamp: String,
    /// The id of the session.
    pub session_id: Option<String>,
    /// The name of the user, which guests have, too.
    pub username: Option<String>,
    /// Whether the user is a guest.
    pub is_guest: bool,
    /// The id of the site.
    pub site: Option<String>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The model that was called.
    pub model: Option<String>,
    /// The way in which the turn ended.
    pub finish: Option<String>,
    /// The error code; `None` for answered turns.
    pub code: Option<String>,
    /// The tokens of the prompt and the answer.
    pub total_tokens: Option<u64>,
    /// The cost in US dollars, if the model's price is known.
    pub cost_usd: Option<f64>,
    /// The time from the request to the end of the turn, in ms.
    pub latency_ms: Option<f64>,
    /// The time from the request to the first text, in ms.
    pub first_word_ms: Option<f64>,
}

impl TurnLine {
    /// Parses a line; `None` if it is of another event or cannot be parsed.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let fields = parse(line, LineEnd::Whole).ok()?;
        let is_turn = fields.event.as_deref() == Some(ChatLine::NAME);
        if is_turn { serde_json::from_slice(line).ok() } else { None }
    }

    /// Returns the name of the user; `None` for guests.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.username.as_deref().filter(|_| !self.is_guest)
    }
}

/// A line of the beginning or the end of a session.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// The id of the session.
    pub session_id: String,
    /// The time, as it is in the log.
    pub timestamp: String,
    /// Whether the session ends.
    pub is_end: bool,
}

/// What a new line of the log says of a turn or a session.
#[derive(Clone, Debug)]
pub enum LiveLine {
    /// A turn has ended.
    Turn(Box<TurnLine>),
    /// A session has begun or ended.
    Session(SessionLine),
}

impl LiveLine {
    /// Parses a line; `None` if it is of another event or cannot be parsed.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        if let Some(turn) = TurnLine::parse(line) {
            return Some(Self::Turn(Box::new(turn)));
        }
        let fields = parse(line, LineEnd::Whole).ok()?;
        session_line(&fields).map(Self::Session)
    }
}

fn session_line(fields: &Fields<'_>) -> Option<SessionLine> {
    let is_end = match fields.event.as_deref()? {
        SessionStart::NAME => false,
        SessionStop::NAME => true,
        _ => return None,
    };
    let (session_id, timestamp) = (fields.session_id.as_deref()?, fields.timestamp.as_deref()?);
    Some(SessionLine { session_id: session_id.to_owned(), timestamp: timestamp.to_owned(), is_end })
}

//! The sessions of one day, with the sums of their turns.

use std::collections::HashMap;

use super::{
    counts::shortened,
    fields::{Fields, Text},
    figures::{pico_usd, usd},
    line_parser::parse,
    query::Query,
};
use crate::adapters::{
    log_files::{LineEnd, SeenLines},
    session_log::{ChatLine, Event, SessionStart, SessionStop},
};

/// The most sessions of a day that are listed: the first ones.
const MAX_SESSIONS: usize = 100_000;

/// A session on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DaySession {
    /// The id of the session.
    pub session_id: String,
    /// The name of the user of its last turn with one; `None` for guests.
    pub user: Option<String>,
    /// The id of the site of its last turn with one.
    pub site: Option<String>,
    /// The id of the persona of its last turn with one.
    pub persona: Option<String>,
    /// The time of its beginning, as it is in the log; `None` if it has not begun on this day.
    pub started_at: Option<String>,
    /// The time of its last turn, as it is in the log.
    pub last_turn_at: Option<String>,
    /// Whether it has ended.
    pub has_ended: bool,
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The tokens of the turns.
    pub total_tokens: u64,
    /// The cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
}

/// The place of a session in the list of a day: the later of its beginning and its last turn, and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionPlace {
    /// The time, as it is in the log.
    pub at: String,
    /// The id of the session.
    pub session_id: String,
}

impl DaySession {
    /// Returns its place in the list.
    #[must_use]
    pub fn place(&self) -> SessionPlace {
        let at = self.last_turn_at.as_ref().or(self.started_at.as_ref()).cloned().unwrap_or_default();
        SessionPlace { at, session_id: self.session_id.clone() }
    }
}

/// Collects the sessions of a day's lines.
#[derive(Debug)]
pub(super) struct DaySessions {
    query: Query,
    seen: SeenLines,
    sessions: HashMap<String, Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    session: DaySession,
    cost_pico_usd: u128,
}

impl DaySessions {
    pub(super) fn new(query: Query) -> Self {
        Self { query, seen: SeenLines::default(), sessions: HashMap::new() }
    }

    pub(super) fn add(&mut self, line: &[u8], end: LineEnd) {
        let Ok(fields) = parse(line, end) else { return };
        if fields.position().is_some_and(|position| !self.seen.add(position)) || !self.query.covers(&fields) {
            return;
        }
        let (Some(event), Some(id)) = (fields.event.as_deref(), fields.session_id.as_deref()) else { return };
        if ![ChatLine::NAME, SessionStart::NAME, SessionStop::NAME].contains(&event) {
            return;
        }
        let is_full = self.sessions.len() >= MAX_SESSIONS;
        let sums = match self.sessions.get_mut(shortened(id)) {
            Some(sums) => sums,
            None if is_full => return,
            None => self.sessions.entry(shortened(id).to_owned()).or_default(),
        };
        match event {
            ChatLine::NAME => sums.add_turn(&fields),
            SessionStart::NAME => sums.session.started_at = fields.timestamp.as_deref().map(str::to_owned),
            _ => sums.session.has_ended = true,
        }
    }

    /// Returns the sessions, the latest first.
    pub(super) fn latest_first(self) -> Vec<DaySession> {
        let session = |(session_id, Sums { session, cost_pico_usd }): (String, Sums)| DaySession {
            session_id,
            cost_usd: usd(cost_pico_usd),
            ..session
        };
        let mut sessions = self.sessions.into_iter().map(session).collect::<Vec<_>>();
        sessions.sort_by_cached_key(|session| std::cmp::Reverse(session.place()));
        sessions
    }
}

impl Sums {
    fn add_turn(&mut self, turn: &Fields<'_>) {
        let session = &mut self.session;
        let last = |old: &mut Option<String>, new: Option<&Text<'_>>| {
            if let Some(new) = new {
                *old = Some(shortened(new).to_owned());
            }
        };
        last(&mut session.user, turn.username.as_ref().filter(|_| turn.is_guest != Some(true)));
        last(&mut session.site, turn.site.as_ref());
        last(&mut session.persona, turn.persona.as_ref());
        last(&mut session.last_turn_at, turn.timestamp.as_ref());
        session.turns += 1;
        session.errors += u64::from(turn.is_error());
        session.total_tokens += turn.prompt_tokens.unwrap_or_default() + turn.completion_tokens.unwrap_or_default();
        self.cost_pico_usd += pico_usd(turn.cost_usd);
    }
}

//! The sessions in the database, compared with the lines of their turns and stops.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{
    kept_turns::Unmatched,
    outcome::{Difference, Kind, Reconciliation},
    period::Period,
    scan::Turn,
};
use crate::adapters::storage::{KeptSession, LogSnapshot, SessionTurn};

/// The sessions in the database.
pub(super) struct Sessions<'a> {
    /// The sessions that were started here and go on, with the turns that have no line yet.
    open: BTreeMap<&'a str, Vec<&'a SessionTurn>>,
    kept: &'a BTreeMap<String, KeptSession>,
    period: &'a Period,
    /// The sessions whose stop the log has.
    stopped: HashSet<&'a str>,
    differences: Vec<Difference>,
    compared: u64,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(snapshot: &'a LogSnapshot, period: &'a Period) -> Self {
        let kept = &snapshot.sessions;
        let is_open = |session: &KeptSession| {
            session.stopped_at.is_none() && session.started_at.is_some_and(|at| period.contains(at))
        };
        let open = kept.iter().filter(|(_, session)| is_open(session));
        let open = open.map(|(id, session)| (id.as_str(), session.turns.iter().collect())).collect();
        Self { open, kept, period, stopped: HashSet::new(), differences: Vec::new(), compared: 0 }
    }

    /// Compares the line of a turn that is counted.
    pub(super) fn add(&mut self, turn: &Turn) {
        let Some(id) = turn.session_id.as_deref() else { return };
        let Some(turns) = self.open.get_mut(id) else { return };
        self.compared += 1;
        let line = session_turn(turn);
        if let Some(index) = turns.iter().position(|kept| **kept == line) {
            turns.swap_remove(index);
        } else {
            let text =
                format!("turn {}: the log has it, but the database does not have it in session {id}", turn.request_id);
            let request_id = Some(turn.request_id.clone());
            self.differences.push(Difference { request_id, ..of_session(id, text) });
        }
    }

    /// Compares the line of a stop that is counted.
    pub(super) fn add_stop(&mut self, id: &str) {
        let Some((id, session)) = self.kept.get_key_value(id) else { return };
        self.stopped.insert(id);
        if !session.is_stop_logged && self.covers(session) {
            let text = format!("session {id}: the log has its stop, but the database does not know that");
            self.differences.push(of_session(id, text));
        }
    }

    fn covers(&self, session: &KeptSession) -> bool {
        session.started_at.or(session.stopped_at).is_none_or(|at| self.period.contains(at))
    }

    /// Reports all differences, and what has no line.
    pub(super) fn finish(mut self, snapshot: &LogSnapshot, mut rest: Unmatched, result: &mut Reconciliation) {
        let is_covered = |at: Option<Timestamp>| at.is_none_or(|at| Some(at) > rest.begin);
        let mut elsewhere = 0_u64;
        for (id, turns) in std::mem::take(&mut self.open) {
            let started_at = self.kept.get(id).and_then(|session| session.started_at);
            for turn in turns.into_iter().filter(|_| is_covered(started_at)) {
                if turn.failed && rest.unlogged > 0 {
                    rest.unlogged -= 1;
                } else if snapshot.has_other_logs {
                    elsewhere += 1;
                } else {
                    let SessionTurn { model, prompt_tokens, completion_tokens, .. } = turn;
                    let text = format!(
                        "session {id}: the log does not have one of its turns: {model}, {prompt_tokens} + \
                         {completion_tokens} tokens"
                    );
                    self.differences.push(of_session(id, text));
                }
            }
        }
        for (id, session) in self.kept.iter().filter(|(_, session)| session.is_stop_logged) {
            if self.stopped.contains(id.as_str()) || !is_covered(session.stopped_at) || !self.covers(session) {
                continue;
            }
            if snapshot.has_other_logs {
                elsewhere += 1;
            } else {
                let text = format!("session {id}: the database has its stop as logged, but the log does not have it");
                self.differences.push(of_session(id, text));
            }
        }
        self.differences.into_iter().for_each(|difference| result.add(difference));
        result.kept += self.compared;
        if elsewhere > 0 {
            result.notes.push(format!(
                "{elsewhere} turns and stops of sessions in the database have no line here; other processes share the \
                 database, and have logs of their own"
            ));
        }
    }
}

/// Returns a turn as the database keeps it for its session.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
fn session_turn(turn: &Turn) -> SessionTurn {
    SessionTurn {
        model: turn.model.clone(),
        failed: turn.status != 200,
        prompt_tokens: turn.prompt_tokens,
        completion_tokens: turn.completion_tokens,
        cost: turn.cost(),
        latency: (turn.latency_ms * 1000.0).round() as u64,
    }
}

fn of_session(id: &str, text: String) -> Difference {
    Difference { session_id: Some(id.to_owned()), ..Difference::new(Kind::Session, text) }
}

//! The sessions in the database, compared with the lines of their turns and stops.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    elsewhere::Elsewhere,
    outcome::{Difference, Kind, Reconciliation},
    period::Period,
    scan::Turn,
    turn_rows::Unmatched,
};
use crate::{
    adapters::storage::{SessionTurn, SnapshotRows, StoredSession},
    foundation::counted::count,
};

/// The sessions in the database: those that go on, and those that were stopped in the last week.
pub(super) struct Sessions {
    by_id: BTreeMap<String, Known>,
    differences: Vec<Difference>,
    compared: u64,
}

/// A session, and what the log has of it.
struct Known {
    /// The session with the turns that have no line yet.
    session: StoredSession,
    /// Whether the log has its stop.
    is_stopped: bool,
}

impl Sessions {
    pub(super) fn new(rows: &SnapshotRows, period: &Period) -> Self {
        let mut by_id = BTreeMap::new();
        rows.for_each_session(|id, session| {
            let begin = session.started_at.or(session.stopped_at);
            if begin.is_none_or(|at| period.contains(at)) {
                by_id.insert(id, Known { session, is_stopped: false });
            }
        });
        Self { by_id, differences: Vec::new(), compared: 0 }
    }

    /// Compares the line of a turn that is counted.
    pub(super) fn add(&mut self, turn: &Turn) {
        let Some(id) = turn.session_id.as_deref() else { return };
        let Some(known) = self.by_id.get_mut(id).filter(|known| is_open(&known.session)) else { return };
        let turns = &mut known.session.turns;
        self.compared += 1;
        let line = session_turn(turn);
        if let Some(index) = turns.iter().position(|turn| *turn == line) {
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
        let Some(known) = self.by_id.get_mut(id) else { return };
        known.is_stopped = true;
        if !known.session.is_stop_logged {
            let text = format!("session {id}: the log has its stop, but the database does not know that");
            self.differences.push(of_session(id, text));
        }
    }

    /// Reports all differences, and what has no line.
    pub(super) fn finish(mut self, elsewhere: &Elsewhere<'_>, mut rest: Unmatched, result: &mut Reconciliation) {
        let is_covered = |at: Option<Timestamp>| at.is_none_or(|at| Some(at) > rest.begin);
        let mut excused = 0_u64;
        for (id, Known { session, .. }) in self.by_id.iter().filter(|(_, known)| is_open(&known.session)) {
            for turn in session.turns.iter().filter(|_| is_covered(session.started_at)) {
                if turn.failed && rest.unlogged > 0 {
                    rest.unlogged -= 1;
                } else if elsewhere.may_have_turn_since(session.started_at) {
                    excused += 1;
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
        for (id, Known { session, is_stopped }) in self.by_id.iter().filter(|(_, known)| known.session.is_stop_logged) {
            if *is_stopped || !is_covered(session.stopped_at) {
                continue;
            }
            if elsewhere.may_have_stop_since(session.stopped_at) {
                excused += 1;
            } else {
                let text = format!("session {id}: the database has its stop as logged, but the log does not have it");
                self.differences.push(of_session(id, text));
            }
        }
        self.differences.into_iter().for_each(|difference| result.add(difference));
        result.rows_compared += self.compared;
        if excused > 0 {
            result.notes.push(format!(
                "turns and stops of sessions in the database without a line here: {}; they may be in other logs, whose processes \
                 have used the database then",
                count(excused)
            ));
        }
    }
}

/// Whether a session was started here and goes on.
fn is_open(session: &StoredSession) -> bool {
    session.stopped_at.is_none() && session.started_at.is_some()
}

/// Returns the row that the database should have for a turn of a session.
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

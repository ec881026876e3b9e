//! The rows of single turns in the database, compared with the lines of the turns.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    chat_rows::ChatRows,
    elsewhere::{Elsewhere, time_of},
    outcome::{Difference, Kind, Reconciliation},
    period::Period,
    scan::Turn,
};
use crate::{
    adapters::{
        storage::{SnapshotRows, StoredTurn, TurnRow},
        usage,
    },
    domain::{cost::TokenUsage, errors::turns::CLIENT_GONE},
    foundation::counted::count,
};

/// The rows of single turns in the database, and how they differ from the lines that were read.
pub(super) struct TurnRows<'a> {
    period: &'a Period,
    /// The answers and usage records by the ids of their requests. These are kept for a day at most, or up to a limit.
    by_request: HashMap<String, Vec<TurnRow>>,
    chat_rows: ChatRows<'a>,
    differences: Vec<Difference>,
    compared: u64,
    /// Failed questions of turns that the log has as answered.
    unstored_answers: u64,
}

/// What is known of rows without a line.
pub(super) struct Unmatched {
    /// The time of the first line of the log.
    pub(super) begin: Option<Timestamp>,
    /// The number of turns without a line.
    pub(super) unlogged: u64,
}

impl<'a> TurnRows<'a> {
    pub(super) fn new(rows: &'a SnapshotRows, period: &'a Period) -> Self {
        let mut by_request = HashMap::<_, Vec<_>>::new();
        let mut add = |StoredTurn { request_id, row }| by_request.entry(request_id).or_default().push(row);
        rows.for_each_answer(&mut add);
        rows.for_each_usage_record(&mut add);
        let chat_rows = ChatRows::new(rows);
        Self { period, by_request, chat_rows, differences: Vec::new(), compared: 0, unstored_answers: 0 }
    }

    /// Notes the time of the first line of the log, as far as the log was read.
    pub(super) fn begin_at(&mut self, begin: Timestamp) {
        self.chat_rows.begin_at(begin);
    }

    /// Compares the line of a turn with the rows of the turn.
    pub(super) fn add(&mut self, turn: &Turn) {
        let id = turn.request_id.as_str();
        if self.period.is_limited() && time_of_request(id).is_some_and(|time| !self.period.contains(time)) {
            return;
        }
        for row in self.by_request.remove(id).into_iter().flatten().chain(self.chat_rows.take(id)) {
            self.compared += 1;
            if let TurnRow::FailedQuestion = row {
                self.unstored_answers += u64::from(is_answered(turn));
            } else if let Some(text) = difference(turn, &row) {
                self.differences.push(named(id, &text));
            }
        }
    }

    /// Reports all differences, and what has no line.
    pub(super) fn finish(self, elsewhere: &Elsewhere<'_>, mut rest: Unmatched, result: &mut Reconciliation) {
        let (mut excused, mut left) = (0_u64, Vec::new());
        let (chat_rows, forgotten) = self.chat_rows.finish();
        for (request_id, rows) in self.by_request.into_iter().chain(chat_rows) {
            let time = time_of_request(&request_id);
            let is_covered = time.is_none_or(|time| Some(time) >= rest.begin && self.period.contains(time));
            for row in rows.into_iter().filter(|_| is_covered) {
                match row {
                    // A turn that was refused has no line.
                    TurnRow::FailedQuestion => {}
                    TurnRow::UsageRecord(_) if rest.unlogged > 0 => rest.unlogged -= 1,
                    _ if elsewhere.may_have_turn_of(time) => excused += 1,
                    row => {
                        let text = format!("the log has no line; the database has {}", text(&row));
                        left.push(named(&request_id, &text));
                    }
                }
            }
        }
        left.sort_by(|one, other| one.request_id.cmp(&other.request_id));
        self.differences.into_iter().chain(left).for_each(|difference| result.add(difference));
        result.rows_compared += self.compared;
        if elsewhere.may_have_turn_since(rest.begin) {
            excused += forgotten;
        } else if forgotten > 0 {
            result.difference_count += forgotten;
            result
                .notes
                .push(format!("further answers in chats without a line, which are not named: {}", count(forgotten)));
        }
        if excused > 0 {
            result.notes.push(format!(
                "answers and usage records in the database without a line here: {}; they may be in other logs, whose processes \
                 have used the database then",
                count(excused)
            ));
        }
        if self.unstored_answers > 0 {
            result.notes.push(format!(
                "questions of stored chats without an answer, although the log has their turns as answered: {}; the process \
                 ended before the answer was stored, and the log has no texts to restore it from",
                count(self.unstored_answers)
            ));
        }
    }
}

/// Whether the client got an answer, or would have got one if it had waited for it.
fn is_answered(turn: &Turn) -> bool {
    turn.status == 200
}

/// Returns in what the line of a turn differs from a row of it.
fn difference(turn: &Turn, row: &TurnRow) -> Option<String> {
    let own = TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens };
    let was_abandoned = turn.code.as_deref() == Some(CLIENT_GONE.error.code);
    let is_same = match row {
        TurnRow::Answer { model, usage, finish } => {
            let is_same_end = if is_answered(turn) { *finish == turn.finish } else { was_abandoned };
            *model == turn.model && *usage == own && is_same_end
        }
        TurnRow::UsageRecord(body) => usage::usage_of(body).is_some_and(|used| used == (turn.model.clone(), own)),
        TurnRow::Message(chat) => turn.chat_id == Some(*chat) && (is_answered(turn) || was_abandoned),
        TurnRow::FailedQuestion => true,
    };
    let Turn { model, prompt_tokens, completion_tokens, finish, .. } = turn;
    let chat = turn.chat_id.map(|chat| format!(" in chat {chat}")).unwrap_or_default();
    let line = format!("{model}, {prompt_tokens} + {completion_tokens} tokens, {finish}{chat}");
    (!is_same).then(|| format!("the log has {line}; the database has {}", text(row)))
}

fn text(row: &TurnRow) -> String {
    match row {
        TurnRow::Answer { model, usage, finish } => {
            let TokenUsage { prompt, completion } = usage;
            format!("an answer for its Idempotency-Key: {model}, {prompt} + {completion} tokens, {finish}")
        }
        TurnRow::UsageRecord(body) => match usage::usage_of(body) {
            Some((model, TokenUsage { prompt, completion })) => {
                format!("a usage record that waits for Papita: {model}, {prompt} + {completion} tokens")
            }
            None => "a usage record that cannot be read".to_owned(),
        },
        TurnRow::Message(chat) => format!("an answer in chat {chat}"),
        TurnRow::FailedQuestion => "a failed question".to_owned(),
    }
}

fn time_of_request(request_id: &str) -> Option<Timestamp> {
    request_id.parse().ok().and_then(time_of)
}

fn named(request_id: &str, text: &str) -> Difference {
    let text = format!("turn {request_id}: {text}");
    Difference { request_id: Some(request_id.to_owned()), ..Difference::new(Kind::Turn, text) }
}

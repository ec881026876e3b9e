//! Rows of single turns and sessions, which `al-chat log reconcile` compares with the lines of a session log.

use jiff::Timestamp;

use crate::domain::cost::TokenUsage;

/// A row of a turn, with the id of the request that the turn answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTurn {
    /// The id of the request.
    pub request_id: String,
    /// The row. A turn may have several.
    pub row: TurnRow,
}

/// A row of one of the tables that have single turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnRow {
    /// The answer for a repeated `Idempotency-Key`.
    Answer {
        /// The name of the model.
        model: String,
        /// The tokens of the turn.
        usage: TokenUsage,
        /// The reason for the end of the answer.
        finish: String,
    },
    /// The usage record that waits for Papita, as JSON.
    UsageRecord(String),
    /// The answer in the stored chat with this number.
    Message(i64),
    /// The question of a turn in a stored chat that was not answered.
    FailedQuestion,
}

/// A session, with its turns while it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSession {
    /// The start, if the session was started here.
    pub started_at: Option<Timestamp>,
    /// The end, by the wall clock; `None` while the session goes on.
    pub stopped_at: Option<Timestamp>,
    /// Whether the stop is in a session log.
    pub is_stop_logged: bool,
    /// The turns; empty after the stop is logged.
    pub turns: Vec<SessionTurn>,
}

/// A turn of a session that goes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionTurn {
    /// The name of the model that was called.
    pub model: String,
    /// Whether the turn ended without an answer.
    pub failed: bool,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The cost in pico-dollars.
    pub cost: u64,
    /// The latency in microseconds.
    pub latency: u64,
}

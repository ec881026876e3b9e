//! The events of a turn.

use crate::services::turn::{failure::TurnFailure, summary::TurnSummary};

/// An event of a turn.
#[derive(Clone, Debug)]
pub struct Event {
    /// The number of the event in its turn, counted from 1.
    pub id: u64,
    /// The kind of event and its data.
    pub kind: EventKind,
}

/// The kinds of events: a start, any number of deltas, and an end. A turn that fails before the start has an end only.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// The answer begins.
    Start {
        /// The model that was called when the event was written.
        model: String,
    },
    /// A piece of the answer's text.
    Delta(String),
    /// The turn has ended, with or without an answer.
    End(Result<TurnSummary, TurnFailure>),
}

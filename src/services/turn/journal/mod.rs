//! The journal of a turn: its events so far. The turn's task writes it; any number of readers read it, from the start
//! or from an event on.

mod event;
mod noted_call;
mod reader;
mod state;
mod transcript;
mod turn_journal;

pub use self::{
    event::{Event, EventKind},
    reader::Reader,
};
pub(super) use self::{noted_call::NotedCall, state::Cancellation, turn_journal::Journal};

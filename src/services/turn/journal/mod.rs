//! The journal of a turn: its events so far. The turn's task writes it; any number of readers read it, from the start
//! or from an event on.

mod erasure;
mod event;
mod memory;
mod noted_call;
mod reader;
mod readers;
mod received_text;
mod slow_readers;
mod state;
mod transcript;
mod turn_journal;

pub use self::{
    event::{Event, EventKind},
    reader::Reader,
};
pub(super) use self::{
    memory::JournalMemory, noted_call::NotedCall, state::Cancellation, transcript::beginning, turn_journal::Journal,
};

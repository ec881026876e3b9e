//! The summary of an answered turn.

use jiff::Timestamp;

use crate::{
    adapters::storage::{Exchange, StoredAnswer},
    domain::{chat::Finish, cost::TokenUsage, prompt::Source},
};

/// Model, tokens and end of an answered turn. The text of the answer is in the turn's journal.
#[derive(Clone, Debug)]
pub struct TurnSummary {
    /// The model that answered; `basic` is the built-in responder.
    pub model: String,
    /// The tokens of the turn, estimated if the model reported none.
    pub usage: TokenUsage,
    /// The finish reason of the answer.
    pub finish: Finish,
    /// The time at which the answer was complete.
    pub at: Timestamp,
    /// The guard's sentence about an answer that it has cut off. Stored answers have none.
    pub notice: Option<String>,
    /// The pages that the answer is based on.
    pub sources: Vec<Source>,
    /// The messages of question and answer in the stored chat; `None` outside of stored chats.
    pub exchange: Option<Exchange>,
}

impl TurnSummary {
    /// Returns the memory of the texts in the summary, in bytes, as an estimate.
    pub(super) fn memory_size(&self) -> usize {
        let notice = self.notice.as_ref().map_or(0, String::len);
        notice + self.sources.iter().map(Source::memory_size).sum::<usize>()
    }

    /// Returns the answer as it is stored with the turn's idempotency key.
    pub(super) fn stored_answer(&self, text: String) -> StoredAnswer {
        let Self { model, usage, finish, at, sources, .. } = self;
        StoredAnswer { text, model: model.clone(), usage: *usage, finish: *finish, at: *at, sources: sources.clone() }
    }
}

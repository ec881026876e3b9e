//! The state of a journal.

use super::{
    event::{Event, EventKind},
    noted_call::NotedCall,
    readers::Readers,
    received_text::ReceivedText,
    transcript::Transcript,
};
use crate::{
    adapters::storage::MessageId,
    services::turn::{failure::TurnFailure, summary::TurnSummary},
};

/// Limit of the text that the fastest reader has not read yet, in bytes. Above it the turn stops reading from the model.
const MAX_UNREAD_BYTES: usize = 64 << 10;

/// The number of further pieces of text after which the record of an open stream is renewed. At 6 µs
/// each, to forward them costs far more than a record, which takes some microseconds and the time to write 64 KiB of text.
const PIECES_IN_RECORD: usize = 1024;

/// The state of a journal, which its lock protects.
#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// The number of calls to models.
    pub(super) calls: u32,
    /// The latest call that may have cost something.
    pub(super) latest_call: Option<NotedCall>,
    /// Whether the answer to the latest call has begun. There may be no text of it yet.
    pub(super) is_answering: bool,
    /// The text that the model has sent, if the guard judges it before it is added.
    pub(super) received: Option<ReceivedText>,
    pub(super) readers: Readers,
    pub(super) cancellation: Option<Cancellation>,
    /// The message of the stored chat that holds the question, once it is stored.
    pub(super) question: Option<MessageId>,
    /// The question as the guard has masked it; `None` if it is as it was sent.
    pub(super) masked_question: Option<String>,
    /// The bytes that the texts of the context hook take, until the turn ends.
    pub(super) context_bytes: usize,
    /// The number of pieces of text in the latest record of the open stream; `None` before the first record.
    pub(super) recorded_pieces: Option<usize>,
    /// The bytes of this journal that are counted in the memory of all journals.
    pub(super) counted: usize,
}

/// The phases of a turn.
#[derive(Debug)]
pub(super) enum Phase {
    /// The journal has no event. `model` is the model that is called, or will be called first.
    Waiting { model: String },
    /// The journal has its start event. Its model stays the same from now on.
    Begun(Transcript),
    /// The journal has its end event. A turn that failed before its start has no transcript.
    Ended { transcript: Option<Transcript>, result: Result<TurnSummary, TurnFailure> },
}

/// The reasons for which a turn is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::turn) enum Cancellation {
    /// The turn has no reader any more. It ends without an answer.
    Abandoned,
    /// A client has stopped the turn. The text so far is its answer.
    Stopped,
}

impl State {
    pub(super) fn new(model: String) -> Self {
        Self {
            phase: Phase::Waiting { model },
            calls: 0,
            latest_call: None,
            is_answering: false,
            received: None,
            readers: Readers::default(),
            cancellation: None,
            question: None,
            masked_question: None,
            context_bytes: 0,
            recorded_pieces: None,
            counted: 0,
        }
    }

    /// Returns the text and the model, once the journal has its start event.
    pub(super) fn transcript(&self) -> Option<&Transcript> {
        match &self.phase {
            Phase::Waiting { .. } => None,
            Phase::Begun(transcript) => Some(transcript),
            Phase::Ended { transcript, .. } => transcript.as_ref(),
        }
    }

    /// Returns the result of the turn, once it has ended.
    pub(super) fn result(&self) -> Option<&Result<TurnSummary, TurnFailure>> {
        if let Phase::Ended { result, .. } = &self.phase { Some(result) } else { None }
    }

    /// Returns the failure of a turn that has no start event.
    pub(super) fn failure_before_start(&self) -> Option<&TurnFailure> {
        match &self.phase {
            Phase::Ended { transcript: None, result: Err(failure) } => Some(failure),
            _ => None,
        }
    }

    /// Whether the turn has failed or was abandoned, so that no further request can join it.
    pub(super) fn has_failed_or_was_abandoned(&self) -> bool {
        self.cancellation == Some(Cancellation::Abandoned) || self.result().is_some_and(Result::is_err)
    }

    /// Whether there is a start event.
    pub(super) fn has_begun(&self) -> bool {
        self.transcript().is_some()
    }

    /// Returns the text so far.
    pub(super) fn text(&self) -> &str {
        self.transcript().map_or("", |transcript| &transcript.text)
    }

    /// Returns the number of pieces of text.
    pub(super) fn pieces(&self) -> usize {
        self.transcript().map_or(0, Transcript::pieces)
    }

    /// Writes the start event, unless there is one or the turn has ended.
    pub(super) fn begin(&mut self) {
        if let Phase::Waiting { model } = &mut self.phase {
            self.phase = Phase::Begun(Transcript::new(std::mem::take(model)));
        }
    }

    /// Adds a piece of text, and the start event before the first.
    pub(super) fn append(&mut self, text: &str) {
        self.begin();
        self.is_answering = true;
        if let Phase::Begun(transcript) = &mut self.phase {
            transcript.append(text);
        }
    }

    /// Writes the end event, and the start event before it if the turn was answered. Only the first result counts.
    pub(super) fn end(&mut self, result: Result<TurnSummary, TurnFailure>) {
        if result.is_ok() {
            self.begin();
        }
        if let Some(received) = &mut self.received {
            received.forget_text();
        }
        self.context_bytes = 0;
        let transcript = match &mut self.phase {
            Phase::Waiting { .. } => None,
            Phase::Begun(transcript) => {
                transcript.shrink();
                Some(std::mem::replace(transcript, Transcript::new(String::new())))
            }
            Phase::Ended { .. } => return,
        };
        self.phase = Phase::Ended { transcript, result };
    }

    /// Returns the event with this number, if it was written.
    pub(super) fn event(&self, id: u64) -> Option<Event> {
        let end = |result: &Result<_, _>| EventKind::End(result.clone());
        let kind = match (self.transcript(), id) {
            (_, 0) => None,
            (None, _) => self.result().filter(|_| id == 1).map(end),
            (Some(transcript), 1) => Some(EventKind::Start { model: transcript.model.clone() }),
            (Some(transcript), _) => {
                let piece = usize::try_from(id - 2).ok().and_then(|index| transcript.piece(index));
                let delta = piece.map(|piece| EventKind::Delta(piece.to_owned()));
                delta.or_else(|| self.result().filter(|_| id == self.last_id()).map(end))
            }
        };
        kind.map(|kind| Event { id, kind })
    }

    /// Returns the number of the latest event; 0 if there is none.
    pub(super) fn last_id(&self) -> u64 {
        let events = usize::from(self.has_begun()) + self.pieces() + usize::from(self.result().is_some());
        events as u64
    }

    /// Returns the byte offset in the text after an event.
    pub(super) fn offset_after(&self, id: u64) -> usize {
        let pieces = usize::try_from(id.saturating_sub(1)).unwrap_or(usize::MAX);
        self.transcript().map_or(0, |transcript| transcript.piece_start(pieces))
    }

    /// Whether the record of the open stream lacks so much of the text that it should be renewed.
    pub(super) fn is_record_outdated(&self) -> bool {
        // In a long answer after half as many pieces as before: each record takes time for the whole text.
        self.recorded_pieces.is_some_and(|recorded| self.pieces() - recorded >= PIECES_IN_RECORD.max(recorded / 2))
    }

    /// Whether the fastest reader is too far behind for more text.
    pub(super) fn is_full(&self) -> bool {
        self.readers.unread(self.text().len()) > MAX_UNREAD_BYTES
    }

    /// Whether more text may be added: it is not far ahead of the readers, or there is none and none was cut off.
    pub(super) fn has_room(&self) -> bool {
        (self.readers.is_empty() && !self.readers.were_cut_off()) || !self.is_full()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{chat::Finish, cost::TokenUsage};

    fn summary() -> TurnSummary {
        TurnSummary {
            model: "m".to_owned(),
            usage: TokenUsage::default(),
            finish: Finish::Complete,
            at: Timestamp::UNIX_EPOCH,
            notice: None,
            sources: Vec::new(),
            exchange: None,
        }
    }

    fn kinds(state: &State) -> Vec<&'static str> {
        let kind = |event: Event| match event.kind {
            EventKind::Start { .. } => "start",
            EventKind::Delta(_) => "delta",
            EventKind::End(Ok(_)) => "done",
            EventKind::End(Err(_)) => "error",
        };
        (0..10).filter_map(|id| state.event(id)).map(kind).collect()
    }

    #[test]
    fn an_answered_turn_has_a_start_its_text_and_an_end() {
        let mut state = State::new("m".to_owned());
        assert_eq!((kinds(&state), state.last_id()), (Vec::new(), 0));
        state.append("Hel");
        state.append("lo");
        assert_eq!((kinds(&state), state.last_id()), (vec!["start", "delta", "delta"], 3));
        state.end(Ok(summary()));
        state.end(Err(TurnFailure::Died));
        assert_eq!((kinds(&state), state.last_id()), (vec!["start", "delta", "delta", "done"], 4));
        assert_eq!((state.offset_after(2), state.offset_after(4)), (3, 5));
    }

    #[test]
    fn a_turn_that_fails_before_its_start_has_one_event() {
        let mut state = State::new("m".to_owned());
        state.end(Err(TurnFailure::Busy));
        assert_eq!((kinds(&state), state.last_id()), (vec!["error"], 1));
        assert_eq!(state.failure_before_start(), Some(&TurnFailure::Busy));
    }

    #[test]
    fn an_answer_without_text_has_a_start_and_an_end() {
        let mut state = State::new("m".to_owned());
        state.end(Ok(summary()));
        assert_eq!((kinds(&state), state.last_id()), (vec!["start", "done"], 2));
    }
}

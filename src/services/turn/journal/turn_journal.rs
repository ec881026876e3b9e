//! A journal, as the turn's task writes it.
//!
//! Three notifications wake three groups of tasks, each only when it has something to do: readers of events, readers
//! that wait for the end, and the turn's task. All check the state under its lock, so that no text is copied for those
//! that don't read it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{select, sync::Notify, time::sleep};

use super::{
    erasure::Erasure,
    memory::JournalMemory,
    noted_call::NotedCall,
    received_text::ReceivedText,
    state::{Cancellation, Phase, State},
    transcript::{Transcript, beginning},
};
use crate::{
    adapters::storage::MessageId,
    domain::cost::estimate,
    services::turn::{
        failure::TurnFailure,
        summary::TurnSummary,
        text_scope::{ErasedTexts, TextScope},
    },
};

/// The memory of a journal besides its text, in bytes, as an estimate.
const OTHER_BYTES: usize = 1024;

/// The journal of one turn.
#[derive(Debug)]
pub(in crate::services::turn) struct Journal {
    pub(in crate::services::turn) request_id: String,
    /// To whom the turn's texts belong.
    pub(in crate::services::turn) scope: TextScope,
    /// Whether the turn's texts were erased.
    pub(in crate::services::turn) erasure: Erasure,
    /// The time for which the turn goes on without a reader.
    grace: Duration,
    memory: Arc<JournalMemory>,
    state: Mutex<State>,
    /// Whether the session log has the turn's line.
    has_log_line: AtomicBool,
    /// Whether the record of the open stream lacks much of the text.
    is_record_outdated: AtomicBool,
    /// Notifies readers of events: an event was added, or a model is called.
    pub(super) progress: Notify,
    /// Notifies those who wait for the end of the turn.
    ended: Notify,
    /// Notifies the turn's task: a reader was added, was dropped, has read further, or has stopped the turn.
    pub(super) reader_activity: Notify,
}

impl Journal {
    pub(in crate::services::turn) fn new(
        request_id: String,
        scope: TextScope,
        model: String,
        grace: Duration,
        memory: Arc<JournalMemory>,
    ) -> Arc<Self> {
        let mut state = State::new(model);
        count(&memory, &mut state);
        let state = Mutex::new(state);
        let (has_log_line, is_record_outdated) = (AtomicBool::new(false), AtomicBool::new(false));
        let (progress, ended, reader_activity) = (Notify::new(), Notify::new(), Notify::new());
        Arc::new(Self {
            request_id,
            scope,
            erasure: Erasure::default(),
            grace,
            memory,
            state,
            has_log_line,
            is_record_outdated,
            progress,
            ended,
            reader_activity,
        })
    }

    /// Creates the journal of a turn that was answered earlier, for a repeated `Idempotency-Key`.
    pub(in crate::services::turn) fn ended(
        request_id: String,
        scope: TextScope,
        text: &str,
        summary: TurnSummary,
        memory: Arc<JournalMemory>,
    ) -> Arc<Self> {
        let this = Self::new(request_id, scope, summary.model.clone(), Duration::ZERO, memory);
        if !text.is_empty() {
            this.add(text);
        }
        this.end(Ok(summary));
        this
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` returns a value. `found` is called with the state at once and after each notification.
    pub(super) async fn wait_for<T>(&self, changed: &Notify, found: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let changed = changed.notified();
            if let Some(value) = found(&self.state()) {
                return value;
            }
            changed.await;
        }
    }

    /// Notes that texts were erased. Returns whether those of the turn are among them and had not been erased before.
    pub(in crate::services::turn) fn note_erased(&self, erased: ErasedTexts<'_>) -> bool {
        self.erasure.note_erased(&self.scope, erased)
    }

    /// Notes the message of the stored chat that holds the question.
    pub(in crate::services::turn) fn note_question(&self, id: MessageId) {
        self.state().question = Some(id);
    }

    /// Notes the question as the guard has masked it.
    pub(in crate::services::turn) fn note_masked_question(&self, text: &str) {
        let mut state = self.state();
        state.masked_question = Some(text.to_owned());
        count(&self.memory, &mut state);
    }

    /// Notes how many bytes the texts of the context hook take. They are free when the turn ends.
    pub(in crate::services::turn) fn note_context(&self, bytes: usize) {
        let mut state = self.state();
        state.context_bytes = bytes;
        count(&self.memory, &mut state);
    }

    /// Notes that a model is called.
    pub(in crate::services::turn) fn note_call(&self, call: NotedCall) {
        let mut state = self.state();
        if let Phase::Waiting { model } = &mut state.phase {
            call.model.clone_into(model);
        }
        state.calls += 1;
        state.is_answering = false;
        state.latest_call = Some(call);
        drop(state);
        self.progress.notify_waiters();
    }

    /// Notes that the latest call has cost nothing.
    pub(in crate::services::turn) fn note_unbilled_call(&self) {
        self.state().latest_call = None;
    }

    /// Notes that the model has begun to answer.
    pub(in crate::services::turn) fn begin(&self) {
        let mut state = self.state();
        state.begin();
        state.is_answering = true;
        drop(state);
        self.progress.notify_waiters();
    }

    /// Notes text that the model has sent, and that is added once the guard has judged it.
    pub(in crate::services::turn) fn note_received(&self, text: &str) {
        let mut state = self.state();
        state.is_answering = true;
        state.received.get_or_insert_default().add(text);
        count(&self.memory, &mut state);
    }

    /// Adds a piece of text. Waits while the fastest reader is too far behind, so that a slow reader slows down the
    /// model.
    pub(in crate::services::turn) async fn append(&self, text: &str) {
        self.add(text);
        self.progress.notify_waiters();
        self.wait_for(&self.reader_activity, |state| state.has_room().then_some(())).await;
    }

    fn add(&self, text: &str) {
        let mut state = self.state();
        state.append(text);
        count(&self.memory, &mut state);
        if state.is_record_outdated() {
            self.is_record_outdated.store(true, Ordering::Relaxed);
        }
    }

    /// Lets the turn run to its end however far the readers are.
    pub(in crate::services::turn) fn ignore_readers(&self) {
        self.state().readers.advance_to_end();
        self.reader_activity.notify_waiters();
    }

    /// Notes that the session log has the turn's line. To be called before the turn ends.
    pub(in crate::services::turn) fn note_log_line(&self) {
        self.has_log_line.store(true, Ordering::Release);
    }

    /// Whether the session log has the turn's line.
    pub(in crate::services::turn) fn has_log_line(&self) -> bool {
        self.has_log_line.load(Ordering::Acquire)
    }

    /// Ends the turn. Only the first result counts.
    pub(in crate::services::turn) fn end(&self, result: Result<TurnSummary, TurnFailure>) {
        let mut state = self.state();
        state.end(result);
        count(&self.memory, &mut state);
        drop(state);
        self.progress.notify_waiters();
        self.ended.notify_waiters();
    }

    /// Waits until the turn has ended. Returns its result.
    pub(in crate::services::turn) async fn result(&self) -> Result<TurnSummary, TurnFailure> {
        self.wait_for(&self.ended, |state| state.result().cloned()).await
    }

    /// Whether the model that was called last has begun to answer.
    pub(in crate::services::turn) fn is_answering(&self) -> bool {
        self.state().is_answering
    }

    /// Whether there is a reader.
    pub(in crate::services::turn) fn has_readers(&self) -> bool {
        !self.state().readers.is_empty()
    }

    /// Returns the text so far.
    pub(in crate::services::turn) fn text(&self) -> String {
        self.state().text().to_owned()
    }

    /// Returns the first bytes of the text so far, at most `max_bytes`, up to the end of a character.
    pub(in crate::services::turn) fn text_beginning(&self, max_bytes: usize) -> String {
        beginning(self.state().text(), max_bytes).to_owned()
    }

    /// Returns the last bytes of the text so far, at most `max_bytes`, from the start of a character.
    pub(in crate::services::turn) fn text_end(&self, max_bytes: usize) -> String {
        let state = self.state();
        let text = state.text();
        text[text.ceil_char_boundary(text.len().saturating_sub(max_bytes))..].to_owned()
    }

    /// Returns the number of characters of the text so far.
    pub(in crate::services::turn) fn char_count(&self) -> usize {
        self.state().text().chars().count()
    }

    /// Returns the estimated tokens that the model has sent so far.
    pub(in crate::services::turn) fn estimated_tokens(&self) -> u64 {
        let state = self.state();
        let of_text = || estimate::answer_tokens(state.text(), state.pieces());
        state.received.as_ref().map_or_else(of_text, ReceivedText::tokens)
    }

    /// Returns the memory of this journal, in bytes.
    pub(in crate::services::turn) fn memory_size(&self) -> usize {
        self.state().counted
    }

    /// Whether the model has sent any text.
    pub(in crate::services::turn) fn has_text(&self) -> bool {
        let state = self.state();
        state.pieces() > 0 || state.received.is_some()
    }

    /// Whether there is any text for readers but white space.
    pub(in crate::services::turn) fn has_readable_text(&self) -> bool {
        !self.state().text().trim_start().is_empty()
    }

    /// Returns the time at which the first piece of text arrived.
    pub(in crate::services::turn) fn first_word_at(&self) -> Option<Instant> {
        self.state().transcript()?.first_word_at
    }
}

/// Cancellation of the turn.
impl Journal {
    /// Resolves when a client has stopped the turn or, if `needs_reader`, when the turn had no reader for its grace
    /// period.
    pub(in crate::services::turn) async fn cancelled(&self, needs_reader: bool) -> Cancellation {
        loop {
            let changed = self.reader_activity.notified();
            let is_unread = {
                let state = self.state();
                if state.cancellation == Some(Cancellation::Stopped) {
                    return Cancellation::Stopped;
                }
                needs_reader && state.readers.is_empty()
            };
            if !is_unread {
                changed.await;
            } else if self.grace.is_zero() {
                return Cancellation::Abandoned;
            } else {
                select! {
                    () = changed => {}
                    () = sleep(self.grace) => return Cancellation::Abandoned,
                }
            }
        }
    }

    /// Whether a client has stopped the turn.
    pub(in crate::services::turn) fn is_stopped(&self) -> bool {
        self.state().cancellation == Some(Cancellation::Stopped)
    }

    /// Resolves when a client has stopped the turn or, if `needs_reader`, when the turn is abandoned because it had no reader for
    /// its grace period.
    pub(in crate::services::turn) async fn ended_by_clients(&self, needs_reader: bool) {
        while let Cancellation::Abandoned = self.cancelled(needs_reader).await {
            if self.try_abandon() {
                return;
            }
        }
    }

    /// Abandons the turn, unless it has a reader or a client has stopped it. Returns whether it is abandoned.
    pub(in crate::services::turn) fn try_abandon(&self) -> bool {
        let mut state = self.state();
        if state.readers.is_empty() {
            state.cancellation.get_or_insert(Cancellation::Abandoned);
        }
        state.cancellation == Some(Cancellation::Abandoned)
    }

    /// Returns the model that was called and has sent nothing yet, if the turn has no reader and is not cancelled.
    pub(in crate::services::turn) fn silent_model_without_reader(&self) -> Option<String> {
        let state = self.state();
        let is_silent = state.calls > 0 && !state.is_answering;
        let model = match &state.phase {
            Phase::Waiting { model } => Some(model),
            Phase::Begun(transcript) => Some(&transcript.model),
            Phase::Ended { .. } => None,
        };
        model.filter(|_| is_silent && state.readers.is_empty() && state.cancellation.is_none()).cloned()
    }

    /// Waits until the model has begun to answer, the turn has a reader, or a client has stopped the turn.
    pub(in crate::services::turn) async fn wait_for_answer_or_reader(&self) {
        loop {
            let (progress, activity) = (self.progress.notified(), self.reader_activity.notified());
            {
                let state = self.state();
                let is_stopped = state.cancellation == Some(Cancellation::Stopped);
                if state.is_answering || !state.readers.is_empty() || is_stopped {
                    return;
                }
            }
            select! {
                () = progress => {}
                () = activity => {}
            }
        }
    }
}

/// The record of the open stream.
impl Journal {
    /// Returns the latest call to a model that may have cost something.
    pub(in crate::services::turn) fn latest_call(&self) -> Option<NotedCall> {
        self.state().latest_call.clone()
    }

    /// Notes that the stream is on record with its text so far.
    pub(in crate::services::turn) fn note_record(&self) {
        let mut state = self.state();
        state.recorded_pieces = Some(state.pieces());
        self.is_record_outdated.store(false, Ordering::Relaxed);
    }

    /// Whether the stream is on record.
    pub(in crate::services::turn) fn is_on_record(&self) -> bool {
        self.state().recorded_pieces.is_some()
    }

    /// Whether the stream is on record with some of its text.
    pub(in crate::services::turn) fn has_recorded_text(&self) -> bool {
        self.state().recorded_pieces.is_some_and(|recorded| recorded > 0)
    }

    /// Whether the stream is on record without some of its text.
    pub(in crate::services::turn) fn has_unrecorded_text(&self) -> bool {
        let state = self.state();
        state.recorded_pieces.is_some_and(|recorded| recorded < state.pieces())
    }

    /// Whether the record lacks so much of the text that it should be renewed at once.
    pub(in crate::services::turn) fn is_record_outdated(&self) -> bool {
        self.is_record_outdated.load(Ordering::Relaxed)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.memory.count(self.state().counted, 0);
    }
}

/// Counts a journal's memory if it has changed.
fn count(memory: &JournalMemory, state: &mut State) {
    let question = state.masked_question.as_ref().map_or(0, String::len);
    let received = state.received.as_ref().map_or(0, ReceivedText::memory_size);
    let transcript = state.transcript().map_or(0, Transcript::memory_size);
    let summary = state.result().and_then(|result| result.as_ref().ok()).map_or(0, TurnSummary::memory_size);
    let size = OTHER_BYTES + question + state.context_bytes + received + transcript + summary;
    if size != state.counted {
        memory.count(state.counted, size);
        state.counted = size;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{chat::Finish, cost::TokenUsage, prompt::Source};

    fn journal() -> Arc<Journal> {
        let (scope, memory) = (TextScope::default(), Arc::new(JournalMemory::new(1 << 20)));
        Journal::new("turn".to_owned(), scope, "m".to_owned(), Duration::ZERO, memory)
    }

    /// Returns the memory of a journal whose turn has ended with these sources.
    fn ended_size(journal: &Journal, sources: Vec<Source>) -> usize {
        let (model, usage, at) = ("m".to_owned(), TokenUsage::default(), Timestamp::UNIX_EPOCH);
        let finish = Finish::Complete;
        journal.end(Ok(TurnSummary { model, usage, finish, at, notice: None, sources, exchange: None }));
        journal.memory_size()
    }

    #[test]
    fn texts_count_while_a_turn_runs_and_sources_stay_counted() {
        let (with, without) = (journal(), journal());
        let unused = with.memory_size();
        with.note_context(10_000);
        assert_eq!(with.memory_size(), unused + 10_000);
        let source = Source { title: "t".repeat(200), url: "u".repeat(2000) };
        let more = source.memory_size() * 10;
        assert!(more > 22_000, "{more}");
        assert_eq!(ended_size(&with, vec![source; 10]), ended_size(&without, Vec::new()) + more);
    }
}

//! Readers of a journal: event by event, from an event on, or to the end at once.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    event::Event,
    readers::ReaderProgress,
    state::{Cancellation, State},
    turn_journal::Journal,
};
use crate::{
    adapters::storage::MessageId,
    domain::session::SessionId,
    services::turn::{failure::TurnFailure, summary::TurnSummary},
};

/// Time for which a model may be silent before its stream starts without text. Refusals nearly always come sooner, and
/// can still be reported by the HTTP status.
const SILENCE_BEFORE_START: Duration = Duration::from_millis(500);

/// Longest wait for the start of a stream while models are called again and again.
const MAX_WAIT_FOR_START: Duration = Duration::from_secs(2);

/// A reader of a turn's journal. The turn goes on while it has a reader, and after that for its grace period.
#[derive(Debug)]
pub struct Reader {
    journal: Arc<Journal>,
    /// The number of the last event that was read; 0 at the start.
    last_read: u64,
    progress: Arc<ReaderProgress>,
}

impl Reader {
    /// Creates a reader at the start of a journal.
    pub(in crate::services::turn) fn new(journal: &Arc<Journal>) -> Self {
        Self::add(journal, journal.state())
    }

    /// Creates a reader for another request for the same turn; `None` if the turn has failed or was abandoned.
    pub(in crate::services::turn) fn join(journal: &Arc<Journal>) -> Option<Self> {
        let state = journal.state();
        (!state.has_failed_or_was_abandoned()).then(|| Self::add(journal, state))
    }

    fn add(journal: &Arc<Journal>, mut state: MutexGuard<'_, State>) -> Self {
        let progress = Arc::<ReaderProgress>::default();
        state.readers.add(Arc::clone(&progress));
        drop(state);
        journal.reader_activity.notify_waiters();
        Self { journal: Arc::clone(journal), last_read: 0, progress }
    }

    pub(in crate::services::turn) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Returns the turn's id: the id of the request that started it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.journal.request_id
    }

    /// Returns the session that the turn belongs to.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.journal.scope.session.as_ref()
    }

    /// Returns the message of a stored chat that holds the question, once it is stored.
    #[must_use]
    pub fn question(&self) -> Option<MessageId> {
        self.journal.state().question
    }

    /// Returns the question as it was asked, if the guard has masked it.
    #[must_use]
    pub fn masked_question(&self) -> Option<String> {
        self.journal.state().masked_question.clone()
    }

    /// Whether the session log has the turn's line. It gets one before it ends, unless it ended before it had begun.
    #[must_use]
    pub fn has_log_line(&self) -> bool {
        self.journal.has_log_line()
    }

    /// Whether the last event has been read.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let state = self.journal.state();
        state.result().is_some() && self.last_read >= state.last_id()
    }

    /// Waits for the start event. If the called model sends nothing for half a second, the start event with this
    /// model's name is written. Fails if the turn fails before its start event.
    pub async fn wait_for_start(&self) -> Result<(), TurnFailure> {
        self.wait_until(|state| state.has_begun() || state.calls > 0).await?;
        let latest = Instant::now() + MAX_WAIT_FOR_START;
        loop {
            let calls = self.journal.state().calls;
            let due = latest.min(Instant::now() + SILENCE_BEFORE_START);
            let waiting = self.wait_until(|state| state.has_begun() || state.calls > calls);
            let waited = timeout_at(due, waiting).await;
            let is_silent = waited.is_err();
            if let Ok(outcome) = waited {
                outcome?;
            }
            let mut state = self.journal.state();
            if is_silent {
                state.begin();
            }
            if state.has_begun() || state.result().is_some() {
                drop(state);
                self.journal.progress.notify_waiters();
                return Ok(());
            }
        }
    }

    /// Waits until a condition holds or the turn has ended. Fails if the turn fails before its start event.
    async fn wait_until(&self, condition: impl Fn(&State) -> bool) -> Result<(), TurnFailure> {
        let found = |state: &State| match state.failure_before_start() {
            Some(failure) => Some(Err(failure.clone())),
            None => (state.result().is_some() || condition(state)).then_some(Ok(())),
        };
        self.journal.wait_for(&self.journal.progress, found).await
    }

    /// Waits for the next event. Returns `None` after the last one.
    pub async fn next(&mut self) -> Option<Event> {
        let event = loop {
            let progress = self.journal.progress.notified();
            if let Some(event) = self.read_event() {
                break event;
            }
            if self.is_finished() {
                return None;
            }
            progress.await;
        };
        self.last_read = event.id;
        Some(event)
    }

    /// Returns the next event, if it was written.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = self.read_event()?;
        self.last_read = event.id;
        Some(event)
    }

    /// Reads the event after the last one, and notes how far the text has been read.
    fn read_event(&self) -> Option<Event> {
        let mut state = self.journal.state();
        let event = state.event(self.last_read + 1)?;
        let was_full = state.is_full();
        let offset = state.offset_after(event.id);
        state.readers.advance_to(&self.progress, offset);
        drop(state);
        // The turn's task only waits for readers while the journal is full.
        if was_full {
            self.journal.reader_activity.notify_waiters();
        }
        Some(event)
    }

    /// Waits for the end of the turn. Returns the whole text and the summary.
    pub async fn read_to_end(&self) -> Result<(String, TurnSummary), TurnFailure> {
        self.journal.ignore_readers();
        let summary = self.journal.result().await?;
        Ok((self.journal.text(), summary))
    }

    /// Returns the text so far, for an end event that repeats it.
    #[must_use]
    pub fn text(&self) -> String {
        self.journal.text()
    }

    /// Returns a token that is cancelled when the reader is too slow while memory is short. Its connection must then end.
    #[must_use]
    pub fn cut_off(&self) -> CancellationToken {
        self.progress.cut_off.clone()
    }

    /// Stops the turn. Returns whether it had not ended yet.
    #[must_use]
    pub fn stop(self) -> bool {
        let mut state = self.journal.state();
        state.cancellation.get_or_insert(Cancellation::Stopped);
        let was_running = state.result().is_none();
        drop(state);
        self.journal.reader_activity.notify_waiters();
        was_running
    }

    /// Moves the reader to the position after the event with this number; `None` if there is no such event yet.
    #[must_use]
    pub fn skip_to(mut self, id: u64) -> Option<Self> {
        let is_known = id <= self.journal.state().last_id();
        self.last_read = id;
        is_known.then_some(self)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.journal.state().readers.remove(&self.progress);
        self.journal.reader_activity.notify_waiters();
    }
}

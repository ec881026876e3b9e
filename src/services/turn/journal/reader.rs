//! Reading a journal: as it is written, from where one had left off, or to its end.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{EVERYTHING, Event, HEAD_START, Journal, LONGEST_HEAD_START, MAX_UNREAD_BYTES, State, Wish};
use crate::{
    adapters::storage::MessageId,
    domain::session::SessionId,
    services::turn::{TurnFailure, TurnSummary},
};

/// Reads a turn's journal. As long as there is one, the turn is wanted.
#[derive(Debug)]
pub struct Reader {
    journal: Arc<Journal>,
    seen: u64,
}

impl Reader {
    /// One whom the journal has counted.
    pub(super) fn at_start(journal: &Arc<Journal>) -> Self {
        Self { journal: Arc::clone(journal), seen: 0 }
    }

    pub(in crate::services::turn) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The turn's id: that of the request which began it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.journal.request_id
    }

    /// The session that the turn belongs to.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.journal.session_id.as_ref()
    }

    /// The message of a stored chat that is to be answered, once it is kept.
    #[must_use]
    pub fn question(&self) -> Option<MessageId> {
        self.journal.state().question
    }

    /// Whether there is nothing left to read, now or ever.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = self.journal.state();
        state.end.is_some() && self.seen >= state.last_id()
    }

    /// Waits until the turn has begun; while a model that was asked is silent, not for long: then it begins in the name
    /// of that one. Fails if the turn has failed before.
    pub async fn begun(&self) -> Result<(), TurnFailure> {
        self.until(|state| state.has_begun || state.asked > 0).await?;
        let latest = Instant::now() + LONGEST_HEAD_START;
        loop {
            let asked = self.journal.state().asked;
            let due = latest.min(Instant::now() + HEAD_START);
            let waiting = self.until(|state| state.has_begun || state.asked > asked);
            let waited = timeout_at(due, waiting).await;
            let is_silent = waited.is_err();
            if let Ok(outcome) = waited {
                outcome?;
            }
            let mut state = self.journal.state();
            state.has_begun |= is_silent && state.end.is_none();
            if state.has_begun || state.end.is_some() {
                drop(state);
                self.journal.news.notify_waiters();
                return Ok(());
            }
        }
    }

    /// Waits until it has come to this, or to the turn's end. Fails if the turn has failed before it began.
    async fn until(&self, has_come: impl Fn(&State) -> bool) -> Result<(), TurnFailure> {
        loop {
            let news = self.journal.news.notified();
            {
                let state = self.journal.state();
                match &state.end {
                    Some(Err(failure)) if !state.has_begun => return Err(failure.clone()),
                    end if end.is_some() || has_come(&state) => return Ok(()),
                    _ => {}
                }
            }
            news.await;
        }
    }

    /// The next event, as soon as it has happened; `None` after the last.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let journal = Arc::clone(&self.journal);
            let news = journal.news.notified();
            if let Some(event) = self.ready() {
                return Some(event);
            }
            if self.is_over() {
                return None;
            }
            news.await;
        }
    }

    /// The next event, if it has happened.
    pub fn ready(&mut self) -> Option<Event> {
        let mut state = self.journal.state();
        let before = state.read;
        let event = state.event_after(self.seen)?;
        // Whoever waits for readers waits in front of a full journal.
        let makes_room = state.text.len().saturating_sub(before) > MAX_UNREAD_BYTES;
        drop(state);
        if makes_room {
            self.journal.attention.notify_waiters();
        }
        self.seen = event.id;
        Some(event)
    }

    /// Waits for the end. Returns the whole text, and what it took.
    pub async fn whole(&self) -> Result<(String, TurnSummary), TurnFailure> {
        self.journal.state().read = EVERYTHING;
        self.journal.attention.notify_waiters();
        let told = self.journal.over().await?;
        Ok((self.journal.text(), told))
    }

    /// The text up to the end, for the event that repeats it.
    #[must_use]
    pub fn text(&self) -> String {
        self.journal.text()
    }

    /// Asks the turn to stop. Returns whether it was still going on.
    #[must_use]
    pub fn stop(self) -> bool {
        let mut state = self.journal.state();
        if state.wish == Wish::GoOn {
            state.wish = Wish::Stop;
        }
        let goes_on = state.end.is_none();
        drop(state);
        self.journal.attention.notify_waiters();
        goes_on
    }

    /// Goes on behind the event of this number. Fails if there is no such event yet.
    #[must_use]
    pub fn skip_to(mut self, seen: u64) -> Option<Self> {
        let is_known = seen <= self.journal.state().last_id();
        self.seen = seen;
        is_known.then_some(self)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.journal.state().readers -= 1;
        self.journal.attention.notify_waiters();
    }
}

//! What has happened in a turn so far. One task writes it; whoever is interested reads it, from the start or from
//! where they had left off.
//!
//! Events are numbered from one: the start, each piece of text, the end.

mod reader;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{select, sync::Notify, time::sleep};

pub use self::reader::Reader;
use super::{TurnFailure, TurnSummary};
use crate::{
    adapters::storage::MessageId,
    domain::{account::OwnerId, cost::estimate, session::SessionId},
};

/// So much text may wait for its fastest reader before the model is made to wait, in bytes.
const MAX_UNREAD_BYTES: usize = 64 << 10;

/// Where one has read to who takes all that comes.
const EVERYTHING: usize = usize::MAX;

/// How long a model may be silent before a reader begins without it. Refusals nearly always come sooner, and can be told
/// by the answer's status.
const HEAD_START: Duration = Duration::from_millis(500);

/// How long a reader waits at the most while models are asked again and again.
const LONGEST_HEAD_START: Duration = Duration::from_secs(2);

/// The journal of one turn.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) request_id: String,
    pub(super) session_id: Option<SessionId>,
    /// Whose chat it is a turn of, if it is one of a stored chat.
    pub(super) owner: Option<OwnerId>,
    /// How long the turn goes on without a reader.
    grace: Duration,
    state: Mutex<State>,
    /// For readers: there is more.
    news: Notify,
    /// For those who only wait for the end.
    ended: Notify,
    /// For the turn's task: readers came, left or read on, or want it to stop.
    attention: Notify,
}

#[derive(Debug)]
struct State {
    /// The message of a stored chat that is to be answered.
    question: Option<MessageId>,
    /// The model that is asked, or will be.
    model: String,
    /// How often a model has been asked.
    asked: u32,
    /// Whether the answer to the last question has begun; there may be no word of it yet.
    is_answering: bool,
    /// Whether the start has been told; from then on the model in it stays.
    has_begun: bool,
    text: String,
    /// Where in the text each piece ends.
    ends: Vec<u32>,
    first_word_at: Option<Instant>,
    end: Option<Result<TurnSummary, TurnFailure>>,
    readers: usize,
    /// How far the fastest reader has read, in bytes; `EVERYTHING` for one who waits for the whole.
    read: usize,
    wish: Wish,
}

/// What is wished of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// That it goes on.
    GoOn,
    /// That it stops; what was said so far is its answer.
    Stop,
    /// Nothing, by nobody: it ends without an answer.
    None,
}

impl State {
    /// The event after the one of this number.
    fn event_after(&mut self, seen: u64) -> Option<Event> {
        let at = usize::try_from(seen).unwrap_or(usize::MAX);
        let id = seen + 1;
        if at == 0 {
            return match &self.end {
                // A turn that has failed before it began has no start.
                Some(Err(failure)) if !self.has_begun => Some(Event { id, what: EventKind::End(Err(failure.clone())) }),
                _ if self.has_begun => Some(Event { id, what: EventKind::Start { model: self.model.clone() } }),
                _ => None,
            };
        }
        if let Some(&end) = self.ends.get(at - 1) {
            let start = if at == 1 { 0 } else { self.ends[at - 2] };
            let (start, end) = (start as usize, end as usize);
            self.read = self.read.max(end);
            return Some(Event { id, what: EventKind::Delta(self.text[start..end].to_owned()) });
        }
        let is_last = at == self.ends.len() + 1 && self.has_begun;
        self.end.clone().filter(|_| is_last).map(|end| Event { id, what: EventKind::End(end) })
    }

    /// The number of the last event there is.
    fn last_id(&self) -> u64 {
        let ids = usize::from(self.has_begun) + self.ends.len() + usize::from(self.end.is_some());
        ids as u64
    }
}

/// One thing that happened in a turn.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number in the turn, from one.
    pub id: u64,
    /// What happened.
    pub what: EventKind,
}

/// The kinds of things that happen in a turn.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A model is being asked.
    Start {
        /// Which.
        model: String,
    },
    /// A piece of the answer.
    Delta(String),
    /// It is over.
    End(Result<TurnSummary, TurnFailure>),
}

/// Why a turn shall not go on.
pub(super) enum Unwanted {
    /// Nobody waits for it any more.
    Abandoned,
    /// Somebody who may has stopped it.
    Stopped,
}

impl Journal {
    pub(super) fn new(
        request_id: String,
        session_id: Option<SessionId>,
        owner: Option<OwnerId>,
        model: String,
        grace: Duration,
    ) -> Arc<Self> {
        let state = State {
            question: None,
            model,
            asked: 0,
            is_answering: false,
            has_begun: false,
            text: String::new(),
            ends: Vec::new(),
            first_word_at: None,
            end: None,
            readers: 0,
            read: 0,
            wish: Wish::GoOn,
        };
        let state = Mutex::new(state);
        let (news, ended, attention) = (Notify::new(), Notify::new(), Notify::new());
        Arc::new(Self { request_id, session_id, owner, grace, state, news, ended, attention })
    }

    /// The journal of a turn that ended before, told again.
    pub(super) fn ended(
        request_id: String,
        session_id: Option<SessionId>,
        owner: Option<OwnerId>,
        text: &str,
        told: TurnSummary,
    ) -> Arc<Self> {
        let this = Self::new(request_id, session_id, owner, told.model.clone(), Duration::ZERO);
        if !text.is_empty() {
            this.put(text);
        }
        this.end(Ok(told));
        this
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader who has read nothing yet.
    pub(super) fn reader(self: &Arc<Self>) -> Reader {
        self.count_reader(self.state())
    }

    /// A reader for somebody who asks for the same, unless the turn is lost: failed, or given up.
    pub(super) fn join(self: &Arc<Self>) -> Option<Reader> {
        let state = self.state();
        let is_lost = state.wish == Wish::None || state.end.as_ref().is_some_and(Result::is_err);
        (!is_lost).then(|| self.count_reader(state))
    }

    fn count_reader(self: &Arc<Self>, mut state: MutexGuard<'_, State>) -> Reader {
        state.readers += 1;
        drop(state);
        self.attention.notify_waiters();
        Reader::at_start(self)
    }

    /// The message of a stored chat that is to be answered is kept.
    pub(super) fn keep_question(&self, id: MessageId) {
        self.state().question = Some(id);
    }

    /// Resolves when nobody waits for the turn, or somebody has stopped it, before it has begun.
    pub(super) async fn given_up(&self) {
        while let Unwanted::Abandoned = self.unwanted(true).await {
            if self.give_up() {
                return;
            }
        }
    }

    /// Gives the turn up, unless somebody has come to read it, or stopped it, after all. Returns whether it is given up.
    pub(super) fn give_up(&self) -> bool {
        let mut state = self.state();
        if state.readers == 0 && state.wish == Wish::GoOn {
            state.wish = Wish::None;
        }
        state.wish == Wish::None
    }

    /// This model is asked from now on.
    pub(super) fn ask(&self, model: &str) {
        let mut state = self.state();
        if !state.has_begun {
            model.clone_into(&mut state.model);
        }
        (state.asked, state.is_answering) = (state.asked + 1, false);
        drop(state);
        self.news.notify_waiters();
    }

    /// The model has begun to answer.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        (state.has_begun, state.is_answering) = (true, true);
        drop(state);
        self.news.notify_waiters();
    }

    /// Whether the model has begun to answer.
    pub(super) fn is_answering(&self) -> bool {
        self.state().is_answering
    }

    /// The model that is asked.
    pub(super) fn model(&self) -> String {
        self.state().model.clone()
    }

    /// Whether a model was asked and has not begun to answer, while nobody waits for it.
    pub(super) fn is_left_in_silence(&self) -> bool {
        let state = self.state();
        state.asked > 0 && !state.is_answering && state.readers == 0 && state.wish == Wish::GoOn
    }

    /// Resolves when the model has begun to answer, or somebody has come to read, or has stopped the turn.
    pub(super) async fn answering_or_wanted(&self) {
        loop {
            let (news, attention) = (self.news.notified(), self.attention.notified());
            {
                let state = self.state();
                if state.is_answering || state.readers > 0 || state.wish == Wish::Stop {
                    return;
                }
            }
            select! {
                () = news => {}
                () = attention => {}
            }
        }
    }

    /// Adds a piece of text. Returns when a reader has come near enough, so that a slow one slows the model.
    pub(super) async fn append(&self, text: &str) {
        self.put(text);
        loop {
            let changed = self.attention.notified();
            let is_near = {
                let state = self.state();
                state.readers == 0 || state.text.len().saturating_sub(state.read) <= MAX_UNREAD_BYTES
            };
            if is_near {
                return;
            }
            changed.await;
        }
    }

    fn put(&self, text: &str) {
        let mut state = self.state();
        (state.has_begun, state.is_answering) = (true, true);
        state.first_word_at.get_or_insert_with(Instant::now);
        state.text.push_str(text);
        let end = u32::try_from(state.text.len()).unwrap_or(u32::MAX);
        state.ends.push(end);
        drop(state);
        self.news.notify_waiters();
    }

    /// The text so far.
    pub(super) fn text(&self) -> String {
        self.state().text.clone()
    }

    /// The characters of the text so far.
    pub(super) fn chars(&self) -> usize {
        self.state().text.chars().count()
    }

    /// The memory that the text takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let state = self.state();
        state.text.capacity() + state.ends.capacity() * size_of::<u32>()
    }

    /// Whether there is any text.
    pub(super) fn has_text(&self) -> bool {
        !self.state().ends.is_empty()
    }

    /// The tokens of the text so far, estimated.
    pub(super) fn estimated_tokens(&self) -> u64 {
        let state = self.state();
        estimate::answer_tokens(&state.text, state.ends.len())
    }

    /// When the first word came.
    pub(super) fn first_word_at(&self) -> Option<Instant> {
        self.state().first_word_at
    }

    /// The turn is over. Only the first end counts.
    pub(super) fn end(&self, end: Result<TurnSummary, TurnFailure>) {
        let mut state = self.state();
        state.has_begun |= end.is_ok();
        state.end.get_or_insert(end);
        // What is kept for those who come back takes no more than it needs.
        state.text.shrink_to_fit();
        state.ends.shrink_to_fit();
        drop(state);
        self.news.notify_waiters();
        self.ended.notify_waiters();
    }

    /// Waits until the turn is over. Returns what came of it.
    pub(super) async fn over(&self) -> Result<TurnSummary, TurnFailure> {
        loop {
            let ended = self.ended.notified();
            if let Some(end) = &self.state().end {
                return end.clone();
            }
            ended.await;
        }
    }

    /// Resolves when the turn has been stopped or, unless readers don't matter, was without one for its grace.
    pub(super) async fn unwanted(&self, readers_matter: bool) -> Unwanted {
        loop {
            let changed = self.attention.notified();
            let is_alone = {
                let state = self.state();
                if state.wish == Wish::Stop {
                    return Unwanted::Stopped;
                }
                readers_matter && state.readers == 0
            };
            if !is_alone {
                changed.await;
            } else if self.grace.is_zero() {
                return Unwanted::Abandoned;
            } else {
                select! {
                    () = changed => {}
                    () = sleep(self.grace) => return Unwanted::Abandoned,
                }
            }
        }
    }

    /// Whether anybody reads.
    pub(super) fn is_read(&self) -> bool {
        self.state().readers > 0
    }
}

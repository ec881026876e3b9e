//! How long a connection may keep its place without anything happening on it.
//!
//! The HTTP library's own time limit for headers also runs between two requests, and would cut off the idle
//! connections that a proxy keeps for its next request. So the limits are kept here: a request's headers must arrive
//! within one time from their first byte, and an idle connection, or an answer that nobody takes, may stand still for
//! another.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::body::{Body, Frame, SizeHint};

use super::raw_head::RawHead;

/// What is going on on a connection, and since when.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing has been heard yet, or a request has begun to arrive.
    Head,
    /// A request is being answered; what that may take is decided elsewhere.
    Answering,
    /// An answer is on its way out, at once or as it comes.
    Sending,
    /// Nothing is going on, save that the last of an answer may still be leaving.
    Idle,
}

/// The pace of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    head: Duration,
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// What has come of the next request's head.
    head: RawHead,
    /// Whether all of the last answer has left.
    is_flushed: bool,
}

impl Pace {
    /// A new connection: headers within `head`, nothing at all for at most `idle`.
    pub(super) fn new(head: Duration, idle: Duration) -> Arc<Self> {
        let state = State { phase: Phase::Head, since: Instant::now(), head: RawHead::default(), is_flushed: true };
        Arc::new(Self { head, idle, state: Mutex::new(state) })
    }

    /// A request's headers are there. Returns the head as it came; one that came while another request was answered is
    /// missing from it.
    pub(super) fn answer(&self) -> RawHead {
        let mut state = self.state();
        state.enter(Phase::Answering);
        mem::take(&mut state.head)
    }

    /// The answer's headers are ready to leave.
    pub(super) fn send(&self) {
        let mut state = self.state();
        state.enter(Phase::Sending);
        state.is_flushed = false;
    }

    /// The answer's body has been handed over to its end, or given up.
    pub(super) fn answered(&self) {
        self.state().enter(Phase::Idle);
    }

    /// Whether a request has begun to arrive, or none ever has.
    pub(super) fn is_at_head(&self) -> bool {
        matches!(self.state().phase, Phase::Head)
    }

    /// Whether nothing is being answered and all answers have left.
    pub(super) fn is_all_answered(&self) -> bool {
        let state = self.state();
        state.is_between_answers() && state.is_flushed
    }

    /// What has come of a request that was not answered.
    pub(super) fn take_head(&self) -> RawHead {
        mem::take(&mut self.state().head)
    }

    /// How long the connection may go on as it is; `None` when that is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let state = self.state();
        let limit = match state.phase {
            Phase::Head => self.head,
            Phase::Answering => return Some(self.idle),
            Phase::Sending | Phase::Idle => self.idle,
        };
        limit.checked_sub(state.since.elapsed()).filter(|left| !left.is_zero())
    }

    /// These bytes have arrived.
    pub(super) fn heard(&self, bytes: &[u8]) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Idle) {
            state.enter(Phase::Head);
        }
        if matches!(state.phase, Phase::Head) {
            state.head.push(bytes);
        }
    }

    /// Something has left.
    pub(super) fn sent(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Sending | Phase::Idle) {
            state.since = Instant::now();
        }
    }

    /// All that was to leave so far has left.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.is_between_answers() {
            state.is_flushed = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }

    fn is_between_answers(&self) -> bool {
        matches!(self.phase, Phase::Head | Phase::Idle)
    }
}

/// The body of an answer, which tells the pace when it is over.
#[derive(Debug)]
pub(super) struct PacedBody<B> {
    pub(super) body: B,
    pub(super) pace: Arc<Pace>,
}

impl<B: Body + Unpin> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for PacedBody<B> {
    fn drop(&mut self) {
        self.pace.answered();
    }
}

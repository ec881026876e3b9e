//! Time limits of one connection.
//!
//! `header_timeout` limits the time from the first byte of a request's head to its last. `keepalive_timeout` limits how long
//! a connection may be idle, or a response may make no progress. hyper's own limit for heads also runs between
//! two requests, and would close the idle connections that a proxy holds open for its next request.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::OptionFuture;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::raw_head::RawHead;

/// The phase that a connection is in.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A request's head is arriving, or the connection is new and nothing has arrived.
    ReadingHead,
    /// A request is being handled. Its time is limited by the handler, not here.
    Handling,
    /// A response is being sent, whole or as a stream.
    SendingResponse,
    /// No request is being handled. The end of the last response may still be in the socket's buffer.
    Idle,
    /// The last response was sent, and the client is to close its side, too.
    Closing,
    /// The connection has given way to another one.
    Over,
}

/// What a client keeps the server waiting for. The first comes first when a connection has to give way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClientWait {
    /// The next request, of a connection that is idle.
    Idle,
    /// The rest of a request, or the reading of a response.
    Slow,
}

/// The time limits of one connection, and the phase that decides which one applies.
#[derive(Debug)]
pub(super) struct ConnectionTimeouts {
    header_timeout: Duration,
    keepalive_timeout: Duration,
    state: Mutex<State>,
    stream_begun: Notify,
    over: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// The bytes of the next request's head that have arrived.
    head: RawHead,
    /// Whether the last response has been written to the socket completely.
    is_flushed: bool,
    /// Whether a part of the body of the request that is being handled has not arrived yet.
    is_body_arriving: bool,
    /// Whether the socket's buffer is full, as the client does not read.
    is_unread: bool,
    /// Cancelled when the stream that is being sent must end.
    cut_off: Option<CancellationToken>,
}

impl ConnectionTimeouts {
    /// Creates the limits of a connection that was just accepted.
    pub(super) fn new(header_timeout: Duration, keepalive_timeout: Duration) -> Arc<Self> {
        let state = State {
            phase: Phase::ReadingHead,
            since: Instant::now(),
            head: RawHead::default(),
            is_flushed: true,
            is_body_arriving: false,
            is_unread: false,
            cut_off: None,
        };
        let (stream_begun, over) = (Notify::new(), Notify::new());
        Arc::new(Self { header_timeout, keepalive_timeout, state: Mutex::new(state), stream_begun, over })
    }

    /// Returns the shorter one of both limits.
    pub(super) fn shortest(&self) -> Duration {
        self.header_timeout.min(self.keepalive_timeout)
    }

    /// Notes that a request's head is complete. Returns the head's bytes; empty for a pipelined request, which arrived
    /// while the one before it was handled.
    pub(super) fn begin_request(&self) -> RawHead {
        let mut state = self.state();
        state.enter(Phase::Handling);
        mem::take(&mut state.head)
    }

    /// Notes that the response's head is ready to be sent. A stream must end when `cut_off` is cancelled.
    pub(super) fn begin_response(&self, cut_off: Option<CancellationToken>) {
        let mut state = self.state();
        state.enter(Phase::SendingResponse);
        state.is_flushed = false;
        if cut_off.is_some() {
            self.stream_begun.notify_one();
        }
        state.cut_off = cut_off;
    }

    /// Waits until the stream that is being sent must end.
    pub(super) async fn cut_off(&self) {
        loop {
            let cut_off = self.state().cut_off.clone();
            tokio::select! {
                Some(()) = OptionFuture::from(cut_off.as_ref().map(CancellationToken::cancelled)) => return,
                () = self.stream_begun.notified() => {}
            }
        }
    }

    /// Notes that hyper has taken all of the response's body, or has dropped it.
    pub(super) fn end_response(&self) {
        let mut state = self.state();
        state.enter(Phase::Idle);
        state.cut_off = None;
    }

    /// Notes that the connection is being closed.
    pub(super) fn begin_close(&self) {
        self.state().enter(Phase::Closing);
    }

    /// Whether a request's head is arriving, or no byte has arrived since the connection was accepted.
    pub(super) fn is_reading_head(&self) -> bool {
        matches!(self.state().phase, Phase::ReadingHead)
    }

    /// Whether no request is being handled and all responses have been written to the socket.
    pub(super) fn are_all_responses_sent(&self) -> bool {
        let state = self.state();
        state.is_between_responses() && state.is_flushed
    }

    /// Returns what the client keeps the server waiting for, and since when it does.
    pub(super) fn client_wait(&self) -> Option<(ClientWait, Instant)> {
        let state = self.state();
        Some((state.client_wait()?, state.since))
    }

    /// Ends the connection, so that another one can take its place, if its client still keeps the server waiting for this.
    /// Returns whether it does.
    pub(super) fn give_way(&self, wait: ClientWait) -> bool {
        let mut state = self.state();
        let gives_way = state.client_wait() == Some(wait);
        if gives_way {
            state.enter(Phase::Over);
            self.over.notify_one();
        }
        gives_way
    }

    /// Whether the connection has given way to another one.
    #[cfg(test)]
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state().phase, Phase::Over)
    }

    /// Waits until the connection has given way to another one.
    pub(super) async fn over(&self) {
        self.over.notified().await;
    }

    /// Notes whether a part of the body of the request that is being handled has not arrived yet.
    pub(super) fn note_body(&self, is_arriving: bool) {
        self.state().is_body_arriving = is_arriving;
    }

    /// Notes that the socket takes no more bytes, as the client does not read.
    pub(super) fn note_unread(&self) {
        self.state().is_unread = true;
    }

    /// Returns the bytes of the head of a request that was not handled.
    pub(super) fn take_head(&self) -> RawHead {
        mem::take(&mut self.state().head)
    }

    /// Returns the time left in the current phase; `None` when the connection is to be closed.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let state = self.state();
        let limit = match state.phase {
            Phase::ReadingHead => self.header_timeout,
            Phase::Handling => return Some(self.keepalive_timeout),
            Phase::Over => return None,
            Phase::SendingResponse | Phase::Idle | Phase::Closing => self.keepalive_timeout,
        };
        limit.checked_sub(state.since.elapsed()).filter(|remaining| !remaining.is_zero())
    }

    /// Notes bytes that have arrived. Returns whether they are to be read: a connection that has given way to another one gets
    /// no answer any more.
    pub(super) fn bytes_received(&self, bytes: &[u8]) -> bool {
        let mut state = self.state();
        if matches!(state.phase, Phase::Over) {
            return false;
        }
        if matches!(state.phase, Phase::Idle) {
            state.enter(Phase::ReadingHead);
        }
        if matches!(state.phase, Phase::ReadingHead) {
            state.head.push(bytes);
        }
        true
    }

    /// Notes that the socket has taken bytes of a response.
    pub(super) fn bytes_sent(&self) {
        let mut state = self.state();
        state.is_unread = false;
        if matches!(state.phase, Phase::SendingResponse | Phase::Idle) {
            state.since = Instant::now();
        }
    }

    /// Notes that everything written so far has been flushed.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.is_between_responses() {
            state.is_flushed = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        if !matches!(self.phase, Phase::Over) {
            self.phase = phase;
            self.since = Instant::now();
        }
    }

    fn is_between_responses(&self) -> bool {
        matches!(self.phase, Phase::ReadingHead | Phase::Idle)
    }

    fn client_wait(&self) -> Option<ClientWait> {
        match self.phase {
            Phase::Over => None,
            Phase::Idle if self.is_flushed => Some(ClientWait::Idle),
            Phase::ReadingHead | Phase::Closing => Some(ClientWait::Slow),
            Phase::Handling => self.is_body_arriving.then_some(ClientWait::Slow),
            Phase::SendingResponse | Phase::Idle => self.is_unread.then_some(ClientWait::Slow),
        }
    }
}

/// A response's body that notes in the connection's [`ConnectionTimeouts`] when it ends.
#[derive(Debug)]
pub(super) struct TimedBody<B> {
    pub(super) body: B,
    pub(super) timeouts: Arc<ConnectionTimeouts>,
}

impl<B: Body + Unpin> Body for TimedBody<B> {
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

impl<B> Drop for TimedBody<B> {
    fn drop(&mut self) {
        self.timeouts.end_response();
    }
}

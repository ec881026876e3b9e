//! How long a connection may keep its place without anything happening on it.
//!
//! The HTTP library's own time limit for headers also runs between two requests, and would cut off the idle
//! connections that a proxy keeps for its next request. So the limits are kept here: a request's headers must arrive
//! within one time from their first byte, and an idle connection, or an answer that nobody takes, may stand still for
//! another.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

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
    now: Mutex<(Phase, Instant)>,
}

impl Pace {
    /// A new connection: headers within `head`, nothing at all for at most `idle`.
    pub(super) fn new(head: Duration, idle: Duration) -> Arc<Self> {
        let now = Mutex::new((Phase::Head, Instant::now()));
        Arc::new(Self { head, idle, now })
    }

    /// A request's headers are there.
    pub(super) fn answer(&self) {
        self.enter(Phase::Answering);
    }

    /// The answer's headers are ready to leave.
    pub(super) fn send(&self) {
        self.enter(Phase::Sending);
    }

    /// The answer's body has been handed over to its end, or given up.
    pub(super) fn answered(&self) {
        self.enter(Phase::Idle);
    }

    /// Whether a request has begun to arrive, or none ever has.
    pub(super) fn is_at_head(&self) -> bool {
        matches!(self.now().0, Phase::Head)
    }

    /// How long the connection may go on as it is; `None` when that is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let (phase, since) = *self.now();
        let limit = match phase {
            Phase::Head => self.head,
            Phase::Answering => return Some(self.idle),
            Phase::Sending | Phase::Idle => self.idle,
        };
        limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
    }

    fn now(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        *self.now() = (phase, Instant::now());
    }

    fn heard(&self) {
        let mut now = self.now();
        if matches!(now.0, Phase::Idle) {
            *now = (Phase::Head, Instant::now());
        }
    }

    fn sent(&self) {
        let mut now = self.now();
        if matches!(now.0, Phase::Sending | Phase::Idle) {
            now.1 = Instant::now();
        }
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

/// A stream that keeps the pace informed.
#[derive(Debug)]
pub(super) struct Paced {
    pub(super) stream: TcpStream,
    pub(super) pace: Arc<Pace>,
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pace.heard();
        }
        polled
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.pace.sent();
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.pace.sent();
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

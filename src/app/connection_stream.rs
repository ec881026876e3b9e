//! The byte stream between hyper and a connection's socket.

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::connection_timeouts::ConnectionTimeouts;

/// The most reads in a row before the connection's other work gets its turn. hyper reads on while bytes arrive that are no
/// content, such as zeros before the size of a chunk. By then tokio would have stopped the task's timers, too: each read
/// takes from the budget of which a timer needs a rest, so the time limit of such a body would never end it.
const MAX_READS: usize = 8;

/// A TCP stream that notes its progress in [`ConnectionTimeouts`], and doesn't send the responses that hyper writes by itself.
///
/// hyper answers a request that it cannot parse without calling the service, and such a response isn't in the contract's
/// error format. It is recognized by its time: bytes written after all responses were sent, and before the next request is
/// handled, are hyper's own.
#[derive(Debug)]
pub(super) struct ConnectionStream {
    stream: TcpStream,
    timeouts: Arc<ConnectionTimeouts>,
    library_response: Vec<u8>,
    /// The number of reads in a row that found bytes.
    reads: usize,
}

impl ConnectionStream {
    pub(super) fn new(stream: TcpStream, timeouts: Arc<ConnectionTimeouts>) -> Self {
        Self { stream, timeouts, library_response: Vec::new(), reads: 0 }
    }

    /// Returns the socket, still open, and the response of hyper's own that was not sent.
    pub(super) fn into_parts(mut self) -> (TcpStream, Vec<u8>) {
        let library_response = mem::take(&mut self.library_response);
        (self.stream, library_response)
    }
}

impl AsyncRead for ConnectionStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reads == MAX_READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.reads = if polled.is_ready() { self.reads + 1 } else { 0 };
        let arrived = buf.filled().get(before..).unwrap_or_default();
        if !arrived.is_empty() && !self.timeouts.bytes_received(arrived) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        polled
    }
}

impl AsyncWrite for ConnectionStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.timeouts.are_all_responses_sent() {
            let before = self.library_response.len();
            for buf in bufs {
                self.library_response.extend_from_slice(buf);
            }
            return Poll::Ready(Ok(self.library_response.len() - before));
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        match polled {
            Poll::Ready(Ok(1..)) => self.timeouts.bytes_sent(),
            Poll::Pending => self.timeouts.note_unread(),
            Poll::Ready(_) => {}
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timeouts.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Does nothing: the socket is closed after hyper has ended the connection (`close.rs`).
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

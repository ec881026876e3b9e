//! The stream of a connection, between the HTTP library and the socket.

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

use super::connection_timeouts::Pace;

/// A stream that reports to the pace, and withholds what the HTTP library answers by itself.
///
/// The library answers a request that it cannot read without calling the service, and such an answer lacks what the
/// contract says of errors. It is recognized by its time: whatever is written after all answers have left, and before a
/// next request is being answered, is the library's own.
#[derive(Debug)]
pub(super) struct Paced {
    stream: TcpStream,
    pace: Arc<Pace>,
    withheld: Vec<u8>,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, pace: Arc<Pace>) -> Self {
        Self { stream, pace, withheld: Vec::new() }
    }

    /// The socket, still open, and what was withheld from it.
    pub(super) fn into_parts(mut self) -> (TcpStream, Vec<u8>) {
        let withheld = mem::take(&mut self.withheld);
        (self.stream, withheld)
    }
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let arrived = buf.filled().get(before..).unwrap_or_default();
        if !arrived.is_empty() {
            self.pace.heard(arrived);
        }
        polled
    }
}

impl AsyncWrite for Paced {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.pace.is_all_answered() {
            let before = self.withheld.len();
            for buf in bufs {
                self.withheld.extend_from_slice(buf);
            }
            return Poll::Ready(Ok(self.withheld.len() - before));
        }
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
        self.pace.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Leaves the socket open: how a connection is closed is decided when the library is done with it (`linger.rs`).
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

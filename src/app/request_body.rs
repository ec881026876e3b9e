//! Request bodies that are recovered when a handler doesn't read them to their end.
//!
//! Whether a client may still be sending decides if the connection can be used for another request.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use super::connection_timeouts::ConnectionTimeouts;

/// The most that is read of an unread body before the response is sent, in bytes. A small body has arrived already, and the
/// connection can be kept once it is read.
const MAX_DRAINED_BYTES: usize = 64 << 10;

/// The time for reading an unread body before the response is sent.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(20);

/// The slot that an unread body is put back into.
#[derive(Clone, Debug, Default)]
pub(super) struct UnreadBody(Arc<Mutex<Option<Incoming>>>);

/// A request's body for a handler. Dropped before its end, it puts the rest into its [`UnreadBody`].
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Option<Incoming>,
    unread: UnreadBody,
    timeouts: Arc<ConnectionTimeouts>,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, unread: UnreadBody, timeouts: &Arc<ConnectionTimeouts>) -> Self {
        Self { body: Some(body), unread, timeouts: Arc::clone(timeouts) }
    }
}

impl UnreadBody {
    /// Whether the client may still be sending the body, after an attempt to read the rest of it. With
    /// `Expect: 100-continue` nothing is read, as reading would ask the client to send the body.
    pub(super) async fn is_being_sent(&self, expects_continue: bool) -> bool {
        let body = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(mut body) = body else { return false };
        if expects_continue {
            return true;
        }
        let reading = async {
            let mut left = MAX_DRAINED_BYTES;
            while let Some(frame) = body.frame().await {
                let length = frame.map_or(MAX_DRAINED_BYTES, |frame| frame.data_ref().map_or(0, Bytes::len));
                left = left.saturating_sub(length);
                if left == 0 {
                    return true;
                }
            }
            false
        };
        timeout(DRAIN_TIMEOUT, reading).await.unwrap_or(true)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        // Only while a handler waits for the body, it has done nothing that the connection's end would cut off.
        self.timeouts.note_body(polled.is_pending());
        if matches!(polled, Poll::Ready(None)) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.timeouts.note_body(false);
        let unread = mem::take(&mut self.body).filter(|body| !body.is_end_stream());
        if unread.is_some() {
            *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
        }
    }
}

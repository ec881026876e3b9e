//! The bodies of requests, which come back when they were not read to their end.

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

/// How much of an unread body is read before the answer, in bytes. A small body is there already, and when it is over,
/// the connection can be kept.
const SMALL: usize = 64 << 10;

/// How long that may take.
const MOMENT: Duration = Duration::from_millis(20);

/// Where a body comes back to.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<Mutex<Option<Incoming>>>);

/// A body that is given away, and comes back when it is dropped before its end.
#[derive(Debug)]
pub(super) struct LentBody {
    body: Option<Incoming>,
    unread: Unread,
}

impl LentBody {
    pub(super) fn new(body: Incoming, unread: Unread) -> Self {
        Self { body: Some(body), unread }
    }
}

impl Unread {
    /// Whether the client may still be sending. `expects` says that it waits to be told to begin: reading would do that.
    pub(super) async fn is_coming(&self, expects: bool) -> bool {
        let body = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(mut body) = body else { return false };
        if expects {
            return true;
        }
        let reading = async {
            let mut left = SMALL;
            while let Some(frame) = body.frame().await {
                let length = frame.map_or(SMALL, |frame| frame.data_ref().map_or(0, Bytes::len));
                left = left.saturating_sub(length);
                if left == 0 {
                    return true;
                }
            }
            false
        };
        timeout(MOMENT, reading).await.unwrap_or(true)
    }
}

impl Body for LentBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
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

impl Drop for LentBody {
    fn drop(&mut self) {
        let unread = mem::take(&mut self.body).filter(|body| !body.is_end_stream());
        if unread.is_some() {
            *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
        }
    }
}

//! The stream of a turn's events, as Server-Sent Events (HTML Living Standard, 9.2), whatever the form of each.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderValue, header},
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::AppState,
    services::turn::{Event, Reader},
};

/// The media type of a stream of events.
pub(super) const EVENTS: &str = "text/event-stream";

/// The size, in bytes, from which a chunk of the stream takes no further events.
const BATCH: usize = 16 << 10;

/// The longest time without a byte in a stream. Proxies and clients close connections that are idle for longer.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// The end of a stream's connection, in the data of its response: it must end when the token is cancelled, even if the
/// client reads nothing.
#[derive(Clone, Debug)]
pub(crate) struct StreamCutOff(pub(crate) CancellationToken);

/// The form of a stream's events.
pub(in crate::api) trait EventFormat: Send + 'static {
    /// Writes an event that the reader has read.
    fn write(&mut self, event: Event, reader: &Reader, bytes: &mut BytesMut);
}

/// The response that sends the events of a turn as they occur.
pub(in crate::api) struct ServerSentEvents<F> {
    reader: Reader,
    longest_silence: Duration,
    pub(super) format: F,
}

impl<F: EventFormat> ServerSentEvents<F> {
    /// Creates the stream of the events that a reader has not read yet. If there is no event, it sends a comment well
    /// before an idle connection would be closed.
    pub(super) fn new(reader: Reader, state: &AppState, format: F) -> Self {
        let longest_silence = LONGEST_SILENCE.min(state.config.server.keepalive_timeout / 2);
        Self { reader, longest_silence, format }
    }

    /// Waits for the next bytes of the stream; `None` after the last event.
    async fn next(&mut self) -> Option<Bytes> {
        let Ok(event) = tokio::time::timeout(self.longest_silence, self.reader.next()).await else {
            return Some(Bytes::from_static(b": still there\n\n"));
        };
        let mut bytes = BytesMut::with_capacity(256);
        self.format.write(event?, &self.reader, &mut bytes);
        while bytes.len() < BATCH
            && let Some(event) = self.reader.try_next()
        {
            self.format.write(event, &self.reader, &mut bytes);
        }
        Some(bytes.freeze())
    }
}

impl<F: EventFormat> IntoResponse for ServerSentEvents<F> {
    fn into_response(self) -> Response {
        let cut_off = StreamCutOff(self.reader.cut_off());
        let events = stream::unfold(self, async |mut events| {
            let bytes = events.next().await?;
            Some((Ok::<_, io::Error>(bytes), events))
        });
        Response::builder()
            .header(header::CONTENT_TYPE, EVENTS)
            // No proxy may cache, transform or buffer the events.
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"))
            .header("x-accel-buffering", HeaderValue::from_static("no"))
            .extension(cut_off)
            .body(Body::from_bytes_stream(events))
    }
}

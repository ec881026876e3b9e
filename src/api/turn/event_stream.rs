//! The stream of a turn's events, as Server-Sent Events (HTML Living Standard, 9.2).

use std::{io, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    answer::ChatAnswer,
    event_schema::{ChatEvent, Delta, Start},
};
use crate::{
    api::{AppState, problem::Problem, rate_limit::declared_headers},
    domain::session::SessionId,
    foundation::clock::Clock,
    services::turn::{Event, EventKind, Reader},
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

/// The response that sends the events of a turn as they occur.
pub(in crate::api) struct EventStream {
    reader: Reader,
    clock: Clock,
    longest_silence: Duration,
    /// Whether the request went to the portal, whose errors have another body.
    is_of_portal: bool,
}

impl EventStream {
    /// Creates the stream of the events that a reader has not read yet. If there is no event, it sends a comment well
    /// before an idle connection would be closed.
    pub(in crate::api) fn of(reader: Reader, state: &AppState) -> Self {
        let longest_silence = LONGEST_SILENCE.min(state.config.server.keepalive_timeout / 2);
        Self { reader, clock: state.clock.clone(), longest_silence, is_of_portal: false }
    }

    /// Returns the stream for a page of the portal.
    pub(in crate::api) fn of_portal(self) -> Self {
        Self { is_of_portal: true, ..self }
    }

    /// Waits for the next bytes of the stream; `None` after the last event.
    async fn next(&mut self) -> Option<Bytes> {
        let Ok(event) = tokio::time::timeout(self.longest_silence, self.reader.next()).await else {
            return Some(Bytes::from_static(b": still there\n\n"));
        };
        let mut bytes = BytesMut::with_capacity(256);
        self.write(event?, &mut bytes);
        while bytes.len() < BATCH
            && let Some(event) = self.reader.try_next()
        {
            self.write(event, &mut bytes);
        }
        Some(bytes.freeze())
    }

    fn write(&self, Event { id, kind }: Event, bytes: &mut BytesMut) {
        match kind {
            EventKind::Start { model } => {
                let session_id = self.reader.session_id().map(SessionId::to_string);
                let request_id = self.reader.request_id().to_owned();
                write(bytes, id, "start", &Start { session_id, request_id, model });
            }
            EventKind::Delta(content) => write(bytes, id, "delta", &Delta { content }),
            EventKind::End(Ok(summary)) => {
                let answer = ChatAnswer::new(self.reader.text(), summary, &self.reader, &self.clock);
                write(bytes, id, "done", &answer);
            }
            EventKind::End(Err(failure)) => {
                let question = self.reader.question().filter(|_| !self.is_of_portal);
                let problem = Problem::from(failure).of_message(question).in_stream();
                let problem = Problem { is_of_portal: self.is_of_portal, ..problem };
                write(bytes, id, "error", &problem.body(self.reader.request_id()));
            }
        }
    }
}

fn write(bytes: &mut BytesMut, id: u64, name: &str, data: &impl Serialize) {
    bytes.put(format!("id: {id}\nevent: {name}\ndata: ").as_bytes());
    // Neither writing to memory nor encoding these types fails, and compact JSON has no line breaks.
    let _ = serde_json::to_writer(bytes.writer(), data);
    bytes.put(&b"\n\n"[..]);
}

impl IntoResponse for EventStream {
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

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        let description = "Server-Sent Events, each with its lines `id`, `event` and `data`, the data as JSON in one \
                           line: `start`, a `delta` for each piece of the answer, and finally `done` or `error`. \
                           `ChatEvent` describes an event whose lines were read. Lines that begin with a colon are \
                           to be ignored.";
        MetaResponses { responses: vec![answered(description, vec![events()])] }
    }

    fn register(registry: &mut Registry) {
        ChatEvent::register(registry);
    }
}

/// The media type of a stream. `contract::document` moves the schema to where it describes one event.
pub(super) fn events() -> MetaMediaType {
    MetaMediaType { content_type: EVENTS, schema: ChatEvent::schema_ref() }
}

pub(super) fn answered(description: &'static str, content: Vec<MetaMediaType>) -> MetaResponse {
    MetaResponse { description, status: Some(200), status_range: None, content, headers: declared_headers() }
}

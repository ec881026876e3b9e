//! The stream of a turn's events with the names of this service: `start`, `delta`, `done` and `error`.

use bytes::{BufMut, BytesMut};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;

use super::{
    answer::ChatAnswer,
    event_schema::{ChatEvent, Delta, Start},
    server_sent_events::{EVENTS, EventFormat, ServerSentEvents},
};
use crate::{
    api::{AppState, problem::Problem, rate_limit::declared_headers},
    domain::session::SessionId,
    foundation::clock::Clock,
    services::turn::{Event, EventKind, Reader},
};

/// The response that sends the events of a turn as they occur.
pub(in crate::api) type EventStream = ServerSentEvents<ChatEvents>;

/// The form of the events of this service.
pub(in crate::api) struct ChatEvents {
    clock: Clock,
    /// Whether the request went to the portal, whose errors have another body.
    is_of_portal: bool,
}

impl EventStream {
    /// Creates the stream of the events that a reader has not read yet.
    pub(in crate::api) fn of(reader: Reader, state: &AppState) -> Self {
        Self::new(reader, state, ChatEvents { clock: state.clock.clone(), is_of_portal: false })
    }

    /// Returns the stream for a page of the portal.
    pub(in crate::api) fn of_portal(mut self) -> Self {
        self.format.is_of_portal = true;
        self
    }
}

impl EventFormat for ChatEvents {
    fn write(&mut self, Event { id, kind }: Event, reader: &Reader, bytes: &mut BytesMut) {
        match kind {
            EventKind::Start { model } => {
                let session_id = reader.session_id().map(SessionId::to_string);
                let request_id = reader.request_id().to_owned();
                write(bytes, id, "start", &Start { session_id, request_id, model });
            }
            EventKind::Delta(content) => write(bytes, id, "delta", &Delta { content }),
            EventKind::End(Ok(summary)) => {
                let answer = ChatAnswer::new(reader.text(), summary, reader, &self.clock);
                write(bytes, id, "done", &answer);
            }
            EventKind::End(Err(failure)) => {
                let question = reader.question().filter(|_| !self.is_of_portal);
                let problem = Problem::from(failure).of_message(question).in_stream();
                let problem = Problem { is_of_portal: self.is_of_portal, ..problem };
                write(bytes, id, "error", &problem.body(reader.request_id()));
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

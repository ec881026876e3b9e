//! The responses of the endpoints that start a turn or resume its stream.

use poem::{IntoResponse, Response, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;

use super::{
    event_schema::ChatEvent,
    event_stream::{ChatEvents, EventStream, answered, events},
    server_sent_events::{EventFormat, ServerSentEvents},
};
use crate::api::json::{Json, MEDIA_TYPE};

/// The response of a turn: a whole answer as JSON, or a stream of events in the form `F`.
pub(in crate::api) enum Reply<T, F = ChatEvents> {
    Whole(T),
    Events(ServerSentEvents<F>),
}

impl<T: Serialize + Send, F: EventFormat> IntoResponse for Reply<T, F> {
    fn into_response(self) -> Response {
        match self {
            Self::Whole(answer) => Json(answer).into_response(),
            Self::Events(events) => events.into_response(),
        }
    }
}

impl<T: Type + Serialize + Send, F: EventFormat> ApiResponse for Reply<T, F> {
    /// Declares the whole answer only. The operation's description explains the stream: generators of clients support
    /// one media type for each response.
    fn meta() -> MetaResponses {
        let whole = MetaMediaType { content_type: MEDIA_TYPE, schema: T::schema_ref() };
        MetaResponses {
            responses: vec![answered("The whole answer; or a stream, if the request asks for one.", vec![whole])],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// The remaining events of a resumed stream; `Nothing` if the client has received all of them.
pub(in crate::api) enum ResumedStream {
    Events(EventStream),
    Nothing,
}

impl IntoResponse for ResumedStream {
    fn into_response(self) -> Response {
        match self {
            Self::Events(events) => events.into_response(),
            Self::Nothing => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

impl ApiResponse for ResumedStream {
    fn meta() -> MetaResponses {
        let nothing = MetaResponse {
            status: Some(204),
            headers: Vec::new(),
            ..answered("The client has received all events. An `EventSource` does not reconnect.", Vec::new())
        };
        let rest = MetaResponse {
            headers: Vec::new(),
            ..answered("The remaining events, in the format of `POST /api/chat/stream`.", vec![events()])
        };
        MetaResponses { responses: vec![rest, nothing] }
    }

    fn register(registry: &mut Registry) {
        ChatEvent::register(registry);
    }
}

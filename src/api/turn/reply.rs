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
    event_stream::{EventStream, answered, events},
};
use crate::api::json::{Json, MEDIA_TYPE};

/// An answer, whole or as it comes.
pub(in crate::api) enum Reply<T> {
    Whole(T),
    Events(EventStream),
}

impl<T: Serialize + Send> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Whole(answer) => Json(answer).into_response(),
            Self::Events(events) => events.into_response(),
        }
    }
}

impl<T: Type + Serialize + Send> ApiResponse for Reply<T> {
    /// The whole answer. The stream is in the words of the operation: generators make no type of two media types.
    fn meta() -> MetaResponses {
        let whole = MetaMediaType { content_type: MEDIA_TYPE, schema: T::schema_ref() };
        MetaResponses { responses: vec![answered("The answer, whole unless a stream was asked for.", vec![whole])] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// What is left of a stream; nothing when all of it has been read.
pub(in crate::api) enum Rest {
    Events(EventStream),
    Nothing,
}

impl IntoResponse for Rest {
    fn into_response(self) -> Response {
        match self {
            Self::Events(events) => events.into_response(),
            Self::Nothing => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

impl ApiResponse for Rest {
    fn meta() -> MetaResponses {
        let nothing = MetaResponse {
            status: Some(204),
            ..answered("The client has it all; an `EventSource` stops asking.", Vec::new())
        };
        let rest = answered("The rest of the events, as `POST /api/chat/stream` has them.", vec![events()]);
        MetaResponses { responses: vec![rest, nothing] }
    }

    fn register(registry: &mut Registry) {
        ChatEvent::register(registry);
    }
}

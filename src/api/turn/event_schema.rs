//! The schema of a stream's events in the contract.

use std::borrow::Cow;

use poem_openapi::{
    Enum, Object,
    registry::{MetaDiscriminatorObject, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;

use super::answer::ChatAnswer;
use crate::api::problem::ErrorBody;

/// The schema of any event. It has no values, as only the contract uses it.
pub(super) enum ChatEvent {}

/// Declares the events: for each the type of its schema, its name on the wire, and its data.
macro_rules! events {
    ($($(#[$doc:meta])+ $event:ident $kind:ident $word:literal $(#[$data_doc:meta])+ $data:ty,)+) => {
        $(
            $(#[$doc])+
            #[derive(Object)]
            struct $event {
                /// The event's number in the stream, from 1.
                id: u64,
                /// The event's name.
                event: $kind,
                $(#[$data_doc])+
                data: $data,
            }

            #[derive(Clone, Copy, Enum, Eq, PartialEq)]
            enum $kind {
                #[oai(rename = $word)]
                Only,
            }
        )+

        impl ChatEvent {
            /// The name on the wire and the schema's name of each event.
            const SCHEMAS: &[(&str, &str)] = &[$(($word, stringify!($event))),+];

            fn register_all(registry: &mut Registry) {
                $($event::register(registry);)+
            }
        }
    };
}

events! {
    /// The start of a turn: the first event, unless the turn failed before.
    ChatStartEvent ChatStartEventName "start"
    /// The id of the turn, and the model.
    Start,
    /// A piece of the answer.
    ChatDeltaEvent ChatDeltaEventName "delta"
    /// The piece of the answer.
    Delta,
    /// The answer is complete, or was stopped; the last event.
    ChatDoneEvent ChatDoneEventName "done"
    /// The same as the whole answer.
    ChatAnswer,
    /// The turn failed; the last event.
    ChatErrorEvent ChatErrorEventName "error"
    /// The same as the body of an error.
    ErrorBody,
}

/// The start of a turn.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatStart")]
pub(super) struct Start {
    /// The session that the client named.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
    /// The turn's id, which stop and resume need: the id of the request that started it.
    pub(super) request_id: String,
    /// The model that is called. If a fallback answers instead, `done` names it.
    pub(super) model: String,
}

/// A piece of the answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatDelta")]
pub(super) struct Delta {
    /// The next piece of the answer, to be appended to the earlier ones.
    pub(super) content: String,
}

impl Type for ChatEvent {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;

    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "ChatEvent".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        Self::register_all(registry);
        registry.create_schema::<Self, _>(Self::name().into_owned(), |_| MetaSchema {
            description: Some(
                "One event of a stream, read from its lines `id`, `event` and `data`; the data is JSON in one line.",
            ),
            one_of: Self::SCHEMAS.iter().map(|(_, name)| MetaSchemaRef::Reference((*name).to_owned())).collect(),
            discriminator: Some(MetaDiscriminatorObject {
                property_name: "event",
                mapping: Self::SCHEMAS
                    .iter()
                    .map(|(word, name)| ((*word).to_owned(), format!("#/components/schemas/{name}")))
                    .collect(),
            }),
            ..MetaSchema::ANY
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

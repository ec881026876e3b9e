//! The error responses of an operation, as the contract lists them.

use poem_openapi::{
    registry::{MetaHeader, MetaMediaType, MetaResponse},
    types::Type,
};

use crate::api::json::MEDIA_TYPE;

/// Declares the error responses of an operation for the contract: each status, and when it is sent. `signed in` adds
/// the responses of every operation that requires an account, `signed in with a body` those of one that also reads a body,
/// `of a turn` those of every turn. `with` names the type of the bodies, if that is not [`ErrorBody`](super::ErrorBody).
macro_rules! failures {
    ($name:ident, signed in { $($status:literal $when:literal,)* }) => {
        failures! { $name, signed in { $($status $when,)* } {} { 503 "The database cannot be used (`storage_unavailable`).", } }
    };
    ($name:ident, signed in with a body { $($status:literal $when:literal,)* }) => {
        failures! { $name, signed in { $($status $when,)* } {
            408 "The body took too long to arrive (`body_timeout`).",
        } {
            503 "The database cannot be used (`storage_unavailable`), or too many large bodies are sent at once \
                 (`body_memory_used_up`).",
        } }
    };
    // In the order of the statuses: before 401, between 401 and 500, and after 500.
    ($name:ident, signed in { $($before:tt)* } { $($between:tt)* } { $($after:tt)* }) => {
        failures! { $name {
            $($before)*
            401 "There is no token (`token_missing`), or it is invalid, expired, revoked (`token_invalid`, `token_expired`, \
                 `token_ended`), or of another kind (`api_key_not_accepted`, `ticket_not_accepted`).",
            $($between)*
            500 "A fault of this server (`internal_error`).",
            $($after)*
        } }
    };
    ($name:ident, of a turn { $($own:tt)* }) => {
        failures! { $name, of a turn with $crate::api::problem::ErrorBody { $($own)* } }
    };
    ($name:ident, of a turn with $body:ty { $($status:literal $when:literal,)* }) => {
        failures! { $name with $body {
            $($status $when,)*
            408 "The body took too long to arrive (`body_timeout`).",
            422 "The `Idempotency-Key` was used for another question (`idempotency_key_reused`), or the owner's guard rejects the message or its \
                 answer (`rejected_by_guard`).",
            429 "A limit of the visitor, the address, the site, the API key or all together is reached (`limit_reached`), or the money of a day is \
                 spent (`budget_spent`); or the model's provider limits requests (`rate_limited`) or has run out of credit \
                 (`quota_exhausted`).",
            500 "A fault of this server (`internal_error`).",
            502 "The model's provider failed or cannot be reached (`model_failed`, `model_unreachable`, \
                 `model_connection_lost`, `model_answer_unreadable`, `model_answer_empty`, `model_answer_too_large`, \
                 `model_forbidden`).",
            503 "The turn cannot run now: too many turns (`too_busy`) or large bodies (`body_memory_used_up`) at once, or \
                 too many turns in one stored chat (`chat_busy`), no API key (`no_api_key`, `credentials_unavailable`), the model is overloaded (`model_overloaded`) or has failed \
                 too often recently (`model_unavailable`), nothing can be logged or stored (`session_log_unavailable`, \
                 `storage_unavailable`), the owner's guard cannot be asked (`guard_unavailable`), the site is paused (`site_paused`), or the service is restarting (`starting`, `stopping`).",
            504 "The model did not answer in time (`model_timeout`).",
        } }
    };
    ($name:ident { $($own:tt)+ }) => {
        failures! { $name with $crate::api::problem::ErrorBody { $($own)+ } }
    };
    ($name:ident with $body:ty { $($status:literal $when:literal,)+ }) => {
        pub(crate) struct $name($crate::api::problem::Problem);

        impl<T: Into<$crate::api::problem::Problem>> From<T> for $name {
            fn from(failure: T) -> Self {
                Self(failure.into())
            }
        }

        impl From<$name> for poem::Error {
            fn from(failure: $name) -> Self {
                failure.0.into()
            }
        }

        impl poem_openapi::ApiResponse for $name {
            fn meta() -> poem_openapi::registry::MetaResponses {
                poem_openapi::registry::MetaResponses {
                    responses: vec![$($crate::api::problem::declared::<$body>($status, $when)),+],
                }
            }

            fn register(registry: &mut poem_openapi::registry::Registry) {
                <$body as poem_openapi::types::Type>::register(registry);
            }
        }
    };
}
pub(in crate::api) use failures;

/// Returns one error response of an operation for the contract: its status, and when it is sent, with a body of type `B`.
pub(in crate::api) fn declared<B: Type>(status: u16, when: &'static str) -> MetaResponse {
    let retry_after = MetaHeader {
        name: "Retry-After".to_owned(),
        description: Some("Seconds to wait before trying again.".to_owned()),
        required: status == 503,
        deprecated: false,
        schema: u64::schema_ref(),
    };
    MetaResponse {
        description: when,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema: B::schema_ref() }],
        headers: if matches!(status, 429 | 503) { vec![retry_after] } else { Vec::new() },
    }
}

//! JSON bodies of requests and responses. Unlike the framework's JSON type, these limit size and time, name the invalid
//! field without repeating the client's content, and allow an absent body.

mod body;
mod media_type;
mod parse;

use poem::{IntoResponse, Request, RequestBody, Response, http::StatusCode, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions,
    payload::Payload,
    registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::{Serialize, de::DeserializeOwned};

use self::{body::read, parse::parse};
pub(super) use self::{
    body::{BodyLimits, read as read_body},
    media_type::{MEDIA_TYPE, is_json},
    parse::{from_value, last_objects, objects, text, unsupported_field},
};
use super::problem::Problem;
use crate::domain::errors::requests;

/// The default limit of a body, in bytes.
const SMALL: usize = 1 << 20;

/// A JSON body. In requests it is required and has at most `LIMIT` bytes.
#[derive(Debug)]
pub(super) struct Json<T, const LIMIT: usize = SMALL>(pub(super) T);

/// A JSON body that may be absent or empty. Its Content-Type is ignored: `navigator.sendBeacon` sends `text/plain`, and
/// other clients send none.
#[derive(Debug)]
pub(super) struct OptionalJson<T>(pub(super) T);

/// A JSON body of a response with status 201.
#[derive(Debug)]
pub(super) struct Created<T>(pub(super) T);

/// A JSON body of a response with status 202.
#[derive(Debug)]
pub(super) struct Accepted<T>(pub(super) T);

impl<T: Type + Send, const LIMIT: usize> Payload for Json<T, LIMIT> {
    const CONTENT_TYPE: &'static str = MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut body) => {
                // For readers in a terminal.
                body.push(b'\n');
                Response::builder().header(header::CONTENT_TYPE, MEDIA_TYPE).body(body)
            }
            Err(error) => {
                tracing::error!(%error, "a response could not be encoded");
                Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish()
            }
        }
    }
}

fn with_status<T: Serialize + Send>(body: T, status: StatusCode) -> Response {
    let mut response = Json::<T>(body).into_response();
    if response.status().is_success() {
        response.set_status(status);
    }
    response
}

impl<T: Type + Serialize + Send> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        response_meta::<T>("The operation has succeeded.", StatusCode::OK)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// Implements answers with another status of success than 200.
macro_rules! answers_with_status {
    ($($name:ident, $status:ident, $description:literal;)*) => { $(
        impl<T: Serialize + Send> IntoResponse for $name<T> {
            fn into_response(self) -> Response {
                with_status(self.0, StatusCode::$status)
            }
        }

        impl<T: Type + Serialize + Send> ApiResponse for $name<T> {
            fn meta() -> MetaResponses {
                response_meta::<T>($description, StatusCode::$status)
            }

            fn register(registry: &mut Registry) {
                T::register(registry);
            }
        }
    )* };
}

answers_with_status! {
    Created, CREATED, "The object was created.";
    Accepted, ACCEPTED, "The request is accepted.";
}

fn response_meta<T: Type>(description: &'static str, status: StatusCode) -> MetaResponses {
    let content = vec![MetaMediaType { content_type: MEDIA_TYPE, schema: T::schema_ref() }];
    let status = Some(status.as_u16());
    let response = MetaResponse { description, status, status_range: None, content, headers: Vec::new() };
    MetaResponses { responses: vec![response] }
}

/// Declares a request body with one media type: generators of clients support no more than one for each operation.
fn request_meta(required: bool, schema: MetaSchemaRef) -> MetaRequest {
    MetaRequest { description: None, content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema }], required }
}

/// Returns the schema of a value that may be null, in the form that all generators of clients support.
fn nullable<T: Type>() -> MetaSchemaRef {
    let schema = MetaSchema { nullable: true, all_of: vec![T::schema_ref()], ..MetaSchema::new("object") };
    MetaSchemaRef::Inline(Box::new(schema))
}

impl<'a, T: DeserializeOwned + Type + Send, const LIMIT: usize> ApiExtractor<'a> for Json<T, LIMIT> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta(true, T::schema_ref()))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !request.content_type().is_some_and(is_json) {
            return Err(Problem::new(&requests::UNSUPPORTED_MEDIA_TYPE).into());
        }
        let bytes = read(request, body, LIMIT).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<'a, T: DeserializeOwned + Default + Type + Send> ApiExtractor<'a> for OptionalJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta(false, nullable::<T>()))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body, SMALL).await?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Ok(Self(T::default()));
        }
        Ok(Self(parse(&bytes)?))
    }
}

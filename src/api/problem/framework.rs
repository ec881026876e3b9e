//! Errors of the HTTP framework, as error responses of the contract.

use poem::{
    error::{MethodNotAllowedError, NotFoundError},
    http::StatusCode,
};
use poem_openapi::error::{ParseParamError, ParsePathError};

use super::response::Problem;
use crate::domain::errors::requests;

impl Problem {
    /// Returns the error response for an error of the framework, or the error response that it carries.
    pub(in crate::api) fn from_error(error: poem::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<Self>() {
            return problem.clone();
        }
        if let Some(ParseParamError { name, .. }) = error.downcast_ref::<ParseParamError>() {
            let sentence = format!("{name} is not as it should be; /docs says how");
            return Self::new(&requests::INVALID_REQUEST).with_sentence(sentence).with_field(name);
        }
        // A path parameter that cannot be parsed is not the id of anything.
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
            return Self::new(&requests::NOT_FOUND);
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::new(&requests::METHOD_NOT_ALLOWED);
        }
        Self::of_status(error.status()).with_cause(error)
    }

    /// Returns the error response for a status that the framework sets without saying more.
    pub(in crate::api) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(&requests::NOT_FOUND),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(&requests::METHOD_NOT_ALLOWED),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(&requests::UNSUPPORTED_MEDIA_TYPE),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(&requests::BODY_TOO_LARGE),
            status if status.is_client_error() => Self { status, ..Self::new(&requests::BAD_REQUEST) },
            _ => Self::internal(),
        }
    }
}

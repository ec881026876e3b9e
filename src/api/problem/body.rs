//! The JSON object of an error response.

use std::collections::BTreeMap;

use poem_openapi::{
    Object,
    types::{Any, Example},
};
use serde::Serialize;
use serde_json::Value;

use super::response::Problem;
use crate::{api::codes::ErrorCode, domain::prompt::EmptyQuestion};

/// The body of every error.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(in crate::api) struct ErrorBody {
    /// A sentence for people: what happened, and what to do.
    error: String,
    /// The same sentence, in errors about an access token.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    /// Always false; only in errors of the portal.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// The stable code of the error, for programs.
    code: ErrorCode,
    /// The request's id, as in `X-Request-Id`; quote it when asking for help.
    request_id: String,
    /// Further data for programs, depending on the code.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<BTreeMap<String, Any<Value>>>,
}

impl Example for ErrorBody {
    fn example() -> Self {
        Problem::from(EmptyQuestion).body("019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27")
    }
}

impl Problem {
    /// Returns the body of the response to the request with this id.
    pub(in crate::api) fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: self.error.clone().into_owned(),
            msg: self.is_of_auth.then(|| self.error.clone().into_owned()),
            success: self.is_of_portal.then_some(false),
            code: ErrorCode::new(self.code),
            request_id: request_id.to_owned(),
            details: self.details(),
        }
    }
}

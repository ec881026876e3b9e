//! Errors in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`.

use poem::http::{HeaderMap, HeaderValue, StatusCode};
use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;

use crate::{
    api::{codes::ErrorCode, problem::Problem},
    domain::errors::{models, requests},
};

/// The longest wait, in seconds, that the SDKs take from `Retry-After`. If it is longer, they repeat the request much sooner.
const LONGEST_WAIT: u64 = 60;

/// The header that says whether OpenAI's SDKs repeat a request.
const SHOULD_RETRY: &str = "x-should-retry";

/// What there is, for the addresses below `/v1` where there is nothing.
const NOT_FOUND: &str = "There is nothing at this address; POST /v1/chat/completions, GET /v1/models and GET /v1/models/{model} \
                         are what this server has of OpenAI's API";

/// The body of an error in OpenAI's form.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(in crate::api) struct OpenAiErrorBody {
    /// The error.
    error: OpenAiError,
}

/// An error in OpenAI's form.
#[derive(Debug, Object, Serialize)]
struct OpenAiError {
    /// A sentence for people: what happened, and what to do.
    message: String,
    /// The kind of error.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: OpenAiErrorType,
    /// The parameter that the error concerns; null if it concerns none.
    #[oai(nullable)]
    param: Option<String>,
    /// The stable code of the error, for programs.
    code: ErrorCode,
}

/// The kind of an error in OpenAI's form.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum OpenAiErrorType {
    /// The request must be changed.
    InvalidRequestError,
    /// The API key is missing, unknown or revoked.
    AuthenticationError,
    /// A limit is reached.
    RateLimitError,
    /// There is no money left.
    InsufficientQuota,
    /// This server, or the model's provider, has failed.
    ServerError,
}

impl OpenAiErrorType {
    fn of(problem: &Problem) -> Self {
        match (problem.status.as_u16(), problem.code) {
            (_, "budget_spent" | "quota_exhausted") => Self::InsufficientQuota,
            (401, _) => Self::AuthenticationError,
            (429, _) => Self::RateLimitError,
            (400..500, _) => Self::InvalidRequestError,
            _ => Self::ServerError,
        }
    }
}

/// Whether a path is of an endpoint in OpenAI's form, or would be if there were one.
pub(in crate::api) fn is_openai_compatible(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Returns the body of an error, whose status it may change: the SDKs read a 401 as an error of the API key that the client has
/// sent, so the refusal of the provider's key is a failure of this server.
pub(in crate::api) fn error_body(problem: &mut Problem) -> OpenAiErrorBody {
    if problem.code == models::INVALID_API_KEY.error.code {
        problem.status = StatusCode::BAD_GATEWAY;
    }
    let message = if problem.code == requests::NOT_FOUND.code { NOT_FOUND } else { &problem.error };
    let param = problem.details.as_ref().and_then(|details| details["field"].as_str());
    let error = OpenAiError {
        message: message.to_owned(),
        kind: OpenAiErrorType::of(problem),
        param: param.map(str::to_owned),
        code: ErrorCode::new(problem.code),
    };
    OpenAiErrorBody { error }
}

/// Adds the header that says whether the SDKs repeat the request. Without it they would repeat all with status 408, 409, 429 and
/// 500 or more.
pub(in crate::api) fn add_retry_header(headers: &mut HeaderMap, problem: &Problem) {
    let may_be_repeated = match (problem.status, problem.retry_after_seconds()) {
        (_, Some(wait)) => wait <= LONGEST_WAIT && problem.code != models::QUOTA_EXHAUSTED.error.code,
        (StatusCode::REQUEST_TIMEOUT, None) => true,
        (_, None) => problem.is_transient,
    };
    let value = if may_be_repeated { "true" } else { "false" };
    headers.insert(SHOULD_RETRY, HeaderValue::from_static(value));
}

impl Example for OpenAiErrorBody {
    fn example() -> Self {
        let problem = Problem::new(&requests::UNSUPPORTED_PARAMETER).with_sentence("tools is not supported here");
        error_body(&mut problem.with_field("tools"))
    }
}

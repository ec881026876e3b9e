//! The one place that knows status codes: what went wrong, told to a client.
//!
//! Every error body is `{"error", "code", "request_id"}`, sometimes with `details`. The sentence is for people, the
//! code for programs and stable. Neither repeats what a client or an upstream sent.

use std::{borrow::Cow, collections::BTreeMap, error::Error, fmt, time::Duration};

use poem::{
    error::{MethodNotAllowedError, NotFoundError, ResponseError},
    http::StatusCode,
};
use poem_openapi::{
    Object,
    error::{ParseParamError, ParsePathError},
    types::{Any, Example},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::codes::ErrorCode;
use crate::{
    adapters::{
        credentials::NoCredential,
        model::ModelFailure,
        storage::{MessageId, RegistrationConflict, StorageFailure},
    },
    domain::{
        account::InvalidAccount, chat::InvalidImage, prompt::EmptyQuestion, session::InvalidSessionId,
        title::InvalidTitle,
    },
    foundation::error_chain::ErrorChain,
    services::{
        accounts::{AccountFailure, HashFailure},
        sessions::SessionFailure,
        turn::{InvalidIdempotencyKey, TurnFailure},
    },
};

/// When the model's provider doesn't say how long to wait.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// What went wrong, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// Stable, in snake case.
    pub(super) code: &'static str,
    /// One plain sentence.
    pub(super) error: Cow<'static, str>,
    /// When to try again.
    pub(super) retry_after: Option<Duration>,
    /// More for programs.
    pub(super) details: Option<Value>,
    /// Whether it is about who asks. Clients of accounts look for its sentence in `msg`.
    pub(super) is_of_auth: bool,
    /// Whether the portal was asked. Its clients look at `success`.
    pub(super) is_of_portal: bool,
    /// What the diagnostics should know and the client should not.
    pub(super) cause: Option<String>,
}

/// The body of every error.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct ErrorBody {
    /// What happened and what to do, in one plain sentence.
    error: String,
    /// The same sentence, where it is about who asks.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    /// False where the portal was asked.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// The same for programs.
    code: ErrorCode,
    /// The request's id, as in `X-Request-Id`; quote it when asking for help.
    request_id: String,
    /// More for programs, depending on the code.
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
    pub(super) fn new(status: StatusCode, code: &'static str, error: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            error: error.into(),
            retry_after: None,
            details: None,
            is_of_auth: false,
            is_of_portal: false,
            cause: None,
        }
    }

    pub(super) fn bad_request(code: &'static str, error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, error)
    }

    pub(super) fn unavailable(code: &'static str, error: &'static str) -> Self {
        let retry_after = Some(Duration::from_secs(5));
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, error) }
    }

    /// Who asks has to be known, and isn't.
    pub(super) fn not_signed_in() -> Self {
        Self::of_auth(StatusCode::UNAUTHORIZED, "token_missing", "Please log in first: no token was sent")
    }

    fn of_auth(status: StatusCode, code: &'static str, error: &'static str) -> Self {
        Self { is_of_auth: true, ..Self::new(status, code, error) }
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The server made a mistake; please report it with this request id",
        )
    }

    pub(super) fn with_cause(mut self, cause: &dyn Error) -> Self {
        self.cause = Some(ErrorChain(cause).to_string());
        self
    }

    fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The body, for the request of this id.
    pub(super) fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: self.error.clone().into_owned(),
            msg: self.is_of_auth.then(|| self.error.clone().into_owned()),
            success: self.is_of_portal.then_some(false),
            code: ErrorCode::new(self.code),
            request_id: request_id.to_owned(),
            details: self
                .details
                .as_ref()
                .and_then(Value::as_object)
                .map(|details| details.iter().map(|(name, value)| (name.clone(), Any(value.clone()))).collect()),
        }
    }

    /// With the number of the message of a stored chat that was not answered.
    pub(super) fn of_message(mut self, question: Option<MessageId>) -> Self {
        if let Some(MessageId(id)) = question {
            self.add_detail("user_message_id", id.into());
        }
        self
    }

    fn add_detail(&mut self, name: &str, value: Value) {
        let details = self.details.get_or_insert_with(|| json!({}));
        details[name] = value;
    }

    /// The same within a stream, where there is no header to say when to try again.
    pub(super) fn in_stream(mut self) -> Self {
        if let Some(wait) = self.retry_after {
            self.add_detail("retry_after_seconds", wait.as_secs_f64().ceil().into());
        }
        self
    }

    /// What an error of the framework, or one of ours on its way through it, means.
    pub(super) fn from_error(error: &poem::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<Self>() {
            return problem.clone();
        }
        if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
            return of_parameter(parameter);
        }
        // What isn't an id names nothing.
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
            return Self::of_status(StatusCode::NOT_FOUND);
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::of_status(StatusCode::METHOD_NOT_ALLOWED);
        }
        Self::of_status(error.status()).with_cause(error)
    }

    /// What a bare status means.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, error) = match status {
            StatusCode::NOT_FOUND => ("not_found", "There is nothing at this address; /docs lists what there is"),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "This address does not take this method"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "The body must be JSON, with Content-Type: application/json")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The body is larger than this address takes"),
            status if status.is_client_error() => ("bad_request", "The request could not be understood"),
            _ => return Self::internal(),
        };
        Self::new(status, code, error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl Error for Problem {}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<EmptyQuestion> for Problem {
    fn from(nothing: EmptyQuestion) -> Self {
        Self::bad_request("message_required", nothing.to_string())
    }
}

impl From<InvalidSessionId> for Problem {
    fn from(invalid: InvalidSessionId) -> Self {
        Self::bad_request("invalid_session_id", invalid.to_string())
    }
}

impl From<InvalidIdempotencyKey> for Problem {
    fn from(invalid: InvalidIdempotencyKey) -> Self {
        Self::bad_request("invalid_idempotency_key", invalid.to_string())
    }
}

impl From<InvalidTitle> for Problem {
    fn from(invalid: InvalidTitle) -> Self {
        Self::bad_request("invalid_title", invalid.to_string())
    }
}

impl From<InvalidImage> for Problem {
    fn from(invalid: InvalidImage) -> Self {
        let code = match invalid {
            InvalidImage::NotAnImage | InvalidImage::TooLarge | InvalidImage::TooManyHosts { .. } => "invalid_image",
            InvalidImage::NotPublic => "image_not_public",
        };
        Self::bad_request(code, invalid.to_string())
    }
}

impl From<InvalidAccount> for Problem {
    fn from(invalid: InvalidAccount) -> Self {
        let code = match invalid {
            InvalidAccount::NoUsername => "username_required",
            InvalidAccount::Username => "invalid_username",
            InvalidAccount::NoEmail => "email_required",
            InvalidAccount::Email => "invalid_email",
            InvalidAccount::NoPassword => "password_required",
            InvalidAccount::ShortPassword => "password_too_short",
            InvalidAccount::LongPassword => "password_too_long",
        };
        Self::bad_request(code, invalid.to_string())
    }
}

impl From<AccountFailure> for Problem {
    fn from(failure: AccountFailure) -> Self {
        let unauthorized = |code, error| Self::of_auth(StatusCode::UNAUTHORIZED, code, error);
        let conflict = |code, error| Self::new(StatusCode::CONFLICT, code, error);
        let too_many = |code, error, wait| Self::new(StatusCode::TOO_MANY_REQUESTS, code, error).retry_after(wait);
        let problem = match failure {
            AccountFailure::Taken(RegistrationConflict::Username) => {
                conflict("username_taken", "Username already exists")
            }
            AccountFailure::Taken(RegistrationConflict::Email) => conflict("email_taken", "Email already exists"),
            AccountFailure::WrongLogin => unauthorized("wrong_login", "Invalid username or password"),
            AccountFailure::WrongPassword => {
                Self::of_auth(StatusCode::FORBIDDEN, "wrong_password", "The current password is not right")
            }
            AccountFailure::InvalidToken => {
                unauthorized("token_invalid", "The token is not a valid one; please log in again")
            }
            AccountFailure::ExpiredToken => unauthorized("token_expired", "The token has expired; please log in again"),
            AccountFailure::EndedToken => unauthorized("token_ended", "The token was ended; please log in again"),
            AccountFailure::TooManyAttempts { retry_after } => too_many(
                "too_many_attempts",
                "Too many wrong passwords for this account; please try again in a moment",
                retry_after,
            ),
            AccountFailure::TooManyRegistrations { retry_after } => too_many(
                "too_many_registrations",
                "Too many accounts were registered from here; please try again later",
                retry_after,
            ),
            AccountFailure::Hash(HashFailure::Busy) => {
                Self::unavailable("too_busy", "Too many people log in at once; please try again in a moment")
                    .retry_after(Duration::from_secs(2))
            }
            AccountFailure::Hash(HashFailure::Broken) | AccountFailure::Token(_) => Self::internal(),
            AccountFailure::Storage(_) => storage_unavailable(),
        };
        problem.with_cause(&failure)
    }
}

impl From<StorageFailure> for Problem {
    fn from(failure: StorageFailure) -> Self {
        storage_unavailable().with_cause(&failure)
    }
}

impl From<SessionFailure> for Problem {
    fn from(failure: SessionFailure) -> Self {
        let problem = match failure {
            SessionFailure::Log(_) => log_unavailable(),
            SessionFailure::Storage(_) => storage_unavailable(),
        };
        problem.with_cause(&failure)
    }
}

impl From<TurnFailure> for Problem {
    fn from(failure: TurnFailure) -> Self {
        let problem = match &failure {
            TurnFailure::ModelNotAllowed => Self::bad_request(
                "model_not_allowed",
                "This model may not be chosen here; leave `model` out, or the operator must add it to ALLOWED_MODELS",
            ),
            TurnFailure::Stopping => {
                Self::unavailable("stopping", "The service is restarting; please try again in a moment")
            }
            TurnFailure::Busy => {
                Self::unavailable("too_busy", "Too many questions at once; please try again in a moment")
                    .retry_after(Duration::from_secs(2))
            }
            TurnFailure::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another question; a new question needs a new key",
            ),
            TurnFailure::Interrupted => Self::new(
                StatusCode::CONFLICT,
                "turn_interrupted",
                "The turn of this Idempotency-Key was cut off before it was answered; ask again with a new key",
            ),
            TurnFailure::ChatBusy => Self::unavailable(
                "chat_busy",
                "The messages before this one are still being answered; please try again in a moment",
            ),
            TurnFailure::ChatChanged => Self::new(
                StatusCode::CONFLICT,
                "chat_changed",
                "The chat or the message was removed, or has been answered; please load the chat again",
            ),
            TurnFailure::Image(invalid) => (*invalid).into(),
            TurnFailure::LogUnavailable => log_unavailable(),
            TurnFailure::StorageUnavailable => storage_unavailable(),
            TurnFailure::NoCredential(none) => no_credential(*none),
            TurnFailure::Model(failure) => model_failure(failure),
            TurnFailure::ClientGone => Self::new(
                StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
                "client_gone",
                "The client closed the connection",
            ),
            TurnFailure::Died => Self::internal(),
        };
        problem.with_cause(&failure)
    }
}

/// How a failed turn is told, for the log.
pub(crate) fn telling(failure: &TurnFailure) -> (u16, &'static str) {
    let problem = Problem::from(failure.clone());
    (problem.status.as_u16(), problem.code)
}

fn of_parameter(ParseParamError { name, .. }: &ParseParamError) -> Problem {
    let sentence = format!("{name} is not as it should be; /docs says how");
    Problem { details: Some(json!({ "field": name })), ..Problem::bad_request("invalid_request", sentence) }
}

fn log_unavailable() -> Problem {
    Problem::unavailable(
        "session_log_unavailable",
        "The session log cannot be written, so nothing can be answered; the operator must make room in its folder",
    )
}

fn storage_unavailable() -> Problem {
    Problem::unavailable("storage_unavailable", "The database cannot be used at the moment; please try again soon")
}

fn no_credential(none: NoCredential) -> Problem {
    match none {
        NoCredential::NotConfigured => Problem::unavailable(
            "no_api_key",
            "No API key is configured; the operator must set PAPITA_API_URL or OPENAI_API_KEY",
        ),
        NoCredential::Placeholder => Problem::unavailable(
            "no_api_key",
            "OPENAI_API_KEY holds a placeholder, not a key; the operator must put a real one there or into Papita",
        ),
        NoCredential::Papita(failure) if failure.is_transient() => Problem::unavailable(
            "credentials_unavailable",
            "No API key could be had from the credential broker; please try again soon",
        ),
        NoCredential::Papita(_) => Problem::unavailable(
            "credentials_unavailable",
            "The credential broker has no usable API key; the operator must put one into Papita or OPENAI_API_KEY",
        ),
        NoCredential::NeverMet(_) => Problem::unavailable(
            "credentials_unavailable",
            "No credential broker was found at PAPITA_API_URL; the operator must correct it or set OPENAI_API_KEY",
        ),
    }
}

fn invalid_api_key() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_api_key",
        "The model's provider refuses the API key; the operator must put a valid one into Papita or OPENAI_API_KEY",
    )
}

fn model_failure(failure: &ModelFailure) -> Problem {
    let bad_gateway = |code, error| Problem::new(StatusCode::BAD_GATEWAY, code, error);
    match failure {
        ModelFailure::Unauthorized => invalid_api_key(),
        ModelFailure::RateLimited { retry_after } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "The model's provider limits the rate of requests; please try again a little later",
        )
        .retry_after(retry_after.unwrap_or(DEFAULT_WAIT)),
        ModelFailure::QuotaExhausted { retry_after } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "quota_exhausted",
            "The account at the model's provider has no credit left; the operator must add some",
        )
        .retry_after(retry_after.unwrap_or(DEFAULT_WAIT)),
        ModelFailure::UnknownModel => Problem::bad_request(
            "model_not_found",
            "The model's provider has no model of that name; choose another, or the operator must correct OPENAI_MODEL",
        ),
        ModelFailure::PromptTooLong => Problem::bad_request(
            "prompt_too_long",
            "The message, its files and the history are too long for the model; please shorten them",
        ),
        ModelFailure::RequestRefused(400 | 422) => {
            Problem::bad_request("request_refused", "The model's provider refuses this request; please change it")
        }
        ModelFailure::PromptFiltered | ModelFailure::ContentFiltered => Problem::bad_request(
            "answer_withheld",
            "The model's provider withheld the answer to this; please ask for something else",
        ),
        ModelFailure::Forbidden => bad_gateway(
            "model_forbidden",
            "The model's provider forbids this use of the API key; the operator must look into it",
        ),
        ModelFailure::Overloaded { retry_after } => {
            Problem::unavailable("model_overloaded", "The model is overloaded; please try again soon")
                .retry_after(retry_after.unwrap_or(DEFAULT_WAIT))
        }
        ModelFailure::RequestRefused(_) | ModelFailure::Failed { .. } => {
            bad_gateway("model_failed", "The model's provider failed; please try again")
        }
        ModelFailure::Unreachable => {
            bad_gateway("model_unreachable", "The model's provider cannot be reached; please try again")
        }
        ModelFailure::ConnectionLost => {
            bad_gateway("model_connection_lost", "The connection to the model was lost; please try again")
        }
        ModelFailure::Unreadable => {
            bad_gateway("model_answer_unreadable", "The model's answer could not be understood; please try again")
        }
        ModelFailure::Empty => bad_gateway(
            "model_answer_empty",
            "The model ended without a word; please ask again, or for something shorter",
        ),
        ModelFailure::TooLarge => {
            bad_gateway("model_answer_too_large", "The model's answer was too large; please ask for a shorter one")
        }
        ModelFailure::CircuitOpen { retry_after } => Problem::unavailable(
            "model_unavailable",
            "The model failed too often of late and is left alone for a moment; please try again soon",
        )
        .retry_after(*retry_after),
        ModelFailure::Timeout | ModelFailure::Slow | ModelFailure::GatewayTimeout { .. } => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "model_timeout",
            "The model did not answer in time; please try again",
        ),
    }
}

/// Declares the failures of an operation, for the contract: statuses and when they come. `signed in` adds those that
/// every operation on something of an account's has, `of a turn` those of every turn.
macro_rules! failures {
    ($name:ident, signed in { $($status:literal $when:literal,)* }) => {
        failures! { $name {
            $($status $when,)*
            401 "There is no token (`token_missing`), or it is of no use (`token_invalid`, `token_expired`, \
                 `token_ended`).",
            500 "A fault of this server (`internal_error`).",
            503 "The database cannot be used (`storage_unavailable`).",
        } }
    };
    ($name:ident, of a turn { $($status:literal $when:literal,)* }) => {
        failures! { $name {
            $($status $when,)*
            408 "The body took too long to arrive (`body_timeout`).",
            422 "The `Idempotency-Key` was used for another question (`idempotency_key_reused`).",
            429 "The model's provider limits requests (`rate_limited`) or has run out of credit (`quota_exhausted`).",
            500 "A fault of this server (`internal_error`).",
            502 "The model's provider failed or cannot be reached (`model_failed`, `model_unreachable`, \
                 `model_connection_lost`, `model_answer_unreadable`, `model_answer_empty`, `model_answer_too_large`, \
                 `model_forbidden`).",
            503 "Not now: too many turns at once (`too_busy`), or in one kept chat (`chat_busy`), no API key \
                 (`no_api_key`, `credentials_unavailable`), the model is overloaded (`model_overloaded`) or failed too \
                 often of late (`model_unavailable`), nothing can be logged or stored (`session_log_unavailable`, \
                 `storage_unavailable`), or the service is restarting (`stopping`).",
            504 "The model did not answer in time (`model_timeout`).",
        } }
    };
    ($name:ident { $($status:literal $when:literal,)+ }) => {
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
                    responses: vec![$($crate::api::problem::declared($status, $when)),+],
                }
            }

            fn register(registry: &mut poem_openapi::registry::Registry) {
                <$crate::api::problem::ErrorBody as poem_openapi::types::Type>::register(registry);
            }
        }
    };
}
pub(super) use failures;

/// One declared failure, as the contract shows it.
pub(super) fn declared(status: u16, when: &'static str) -> poem_openapi::registry::MetaResponse {
    use poem_openapi::{
        registry::{MetaHeader, MetaMediaType, MetaResponse},
        types::Type,
    };
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
        content: vec![MetaMediaType { content_type: super::json::MEDIA_TYPE, schema: ErrorBody::schema_ref() }],
        headers: if matches!(status, 429 | 503) { vec![retry_after] } else { Vec::new() },
    }
}

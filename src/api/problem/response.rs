//! An error response on its way to the client.

use std::{borrow::Cow, collections::BTreeMap, error::Error, fmt, sync::Arc, time::Duration};

use poem::{error::ResponseError, http::StatusCode};
use poem_openapi::types::Any;
use serde_json::{Value, json};

use crate::{
    adapters::storage::MessageId,
    api::rate_limit,
    domain::{
        errors::{ErrorKind, RetryAfter, accounts, requests},
        limits::Standing,
    },
    foundation::error_chain::ErrorChain,
};

/// An error response: a row of the error table with the details of one failure.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each form of an error body reads another one")]
pub(in crate::api) struct Problem {
    /// The HTTP status.
    pub(in crate::api) status: StatusCode,
    /// The stable code for programs, in snake case.
    pub(in crate::api) code: &'static str,
    /// The sentence for people.
    pub(in crate::api) error: Cow<'static, str>,
    /// The time after which the client may repeat the request.
    pub(in crate::api) retry_after: Option<Duration>,
    /// The limit of usage that has refused the request, for the headers of the response.
    pub(in crate::api) limit: Option<Box<Standing>>,
    /// Further data for programs: a JSON object.
    pub(in crate::api) details: Option<Value>,
    /// Whether the error concerns the caller's login or token. Clients of accounts read its sentence from `msg`.
    pub(in crate::api) is_of_auth: bool,
    /// Whether the request went to the portal. Its clients read `success`.
    pub(in crate::api) is_of_portal: bool,
    /// Whether the failure is likely to pass within seconds, so that the request may be repeated.
    pub(in crate::api) is_transient: bool,
    /// Whether the session log has a line of the turn that has failed.
    pub(in crate::api) has_log_line: bool,
    /// The cause, for the diagnostics only.
    pub(in crate::api) cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// Creates the response for an error whose `Retry-After` rule needs no stated time.
    pub(in crate::api) fn new(kind: &'static ErrorKind) -> Self {
        Self::with_stated_wait(kind, None)
    }

    /// Creates the response for an error. `stated` is the time to wait that the failure states, if any.
    pub(in crate::api) fn with_stated_wait(kind: &'static ErrorKind, stated: Option<Duration>) -> Self {
        Self {
            status: StatusCode::from_u16(kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: kind.code,
            error: kind.sentence.into(),
            retry_after: retry_after(kind.retry_after, stated),
            limit: None,
            details: None,
            is_of_auth: false,
            is_of_portal: false,
            is_transient: false,
            has_log_line: false,
            cause: None,
        }
    }

    /// Creates the response for a request without a token, at an operation that requires an account.
    pub(in crate::api) fn not_signed_in() -> Self {
        Self::of_auth(&accounts::TOKEN_MISSING)
    }

    /// Creates the response for a request that is not the operator's, at an operation that requires that.
    pub(in crate::api) fn not_operator() -> Self {
        Self::of_auth(&accounts::OPERATOR_ONLY)
    }

    /// Creates the response for an error that concerns the caller's login or token.
    pub(in crate::api) fn of_auth(kind: &'static ErrorKind) -> Self {
        Self { is_of_auth: true, ..Self::new(kind) }
    }

    /// Creates the response for a bug of this server.
    pub(in crate::api) fn internal() -> Self {
        Self::new(&requests::INTERNAL_ERROR)
    }

    /// Replaces the sentence of the table with a more exact one.
    pub(in crate::api) fn with_sentence(mut self, sentence: impl Into<Cow<'static, str>>) -> Self {
        self.error = sentence.into();
        self
    }

    /// Adds the name of the field that is wrong, as `details.field`.
    pub(in crate::api) fn with_field(self, name: &str) -> Self {
        self.with_detail("field", name.into())
    }

    /// Adds a detail for programs.
    pub(in crate::api) fn with_detail(mut self, name: &str, value: Value) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        details[name] = value;
        self
    }

    /// Adds the cause for the diagnostics. No client receives it.
    pub(in crate::api) fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into().into());
        self
    }

    /// Adds the id of the stored message that has no answer because of this error.
    pub(in crate::api) fn of_message(self, question: Option<MessageId>) -> Self {
        match question {
            Some(MessageId(id)) => self.with_detail("user_message_id", id.into()),
            None => self,
        }
    }

    /// Removes the id of the stored message from the details.
    pub(in crate::api) fn without_message(mut self) -> Self {
        if let Some(Value::Object(details)) = &mut self.details {
            details.remove("user_message_id");
        }
        self.details = self.details.filter(|details| *details != json!({}));
        self
    }

    /// Adds the time to wait to the details: an event of a stream has no `Retry-After` header.
    pub(in crate::api) fn in_stream(self) -> Self {
        match self.retry_after_seconds() {
            Some(wait) => self.with_detail("retry_after_seconds", wait.into()),
            None => self,
        }
    }

    /// Returns the time after which the client may repeat the request, in whole seconds.
    pub(in crate::api) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| rate_limit::seconds(wait).max(1))
    }

    /// Returns the cause and its sources, joined by colons, for the diagnostics.
    pub(in crate::api) fn cause_chain(&self) -> Option<String> {
        self.cause.as_deref().map(|cause| ErrorChain(cause).to_string())
    }

    /// Returns the details as the contract's type for them.
    pub(super) fn details(&self) -> Option<BTreeMap<String, Any<Value>>> {
        let details = self.details.as_ref()?.as_object()?;
        Some(details.iter().map(|(name, value)| (name.clone(), Any(value.clone()))).collect())
    }
}

/// Returns the time to wait by the rule of the error table.
fn retry_after(rule: RetryAfter, stated: Option<Duration>) -> Option<Duration> {
    match rule {
        RetryAfter::None => None,
        RetryAfter::Seconds(seconds) => Some(Duration::from_secs(seconds)),
        RetryAfter::Stated => stated,
        RetryAfter::StatedOr(seconds) => Some(stated.unwrap_or(Duration::from_secs(seconds))),
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

//! Refusals of a parameter of a request in OpenAI's form.

use crate::{
    api::problem::Problem,
    domain::errors::{ErrorKind, requests},
};

/// Returns the error of a parameter whose value is not valid.
pub(super) fn invalid(field: &str, expected: &str) -> Problem {
    refusal(&requests::INVALID_REQUEST, field, expected)
}

/// Returns the error of a parameter, or a value of one, that is not supported here.
pub(super) fn unsupported(field: &str, reason: &str) -> Problem {
    refusal(&requests::UNSUPPORTED_PARAMETER, field, reason)
}

fn refusal(error: &'static ErrorKind, field: &str, reason: &str) -> Problem {
    Problem::new(error).with_sentence(format!("{field} {reason}")).with_field(field)
}

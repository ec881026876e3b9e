//! The answer to an operation that has no other result.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::json::Json;

/// The confirmation of an operation.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct Confirmation {
    /// The confirmation as a sentence.
    message: String,
}

/// Returns an answer with a message that confirms the operation.
pub(super) fn confirm(message: &str) -> Json<Confirmation> {
    Json(Confirmation { message: message.to_owned() })
}

impl Example for Confirmation {
    fn example() -> Self {
        Self { message: "Successfully logged out".to_owned() }
    }
}

//! The answer of an operation that has nothing to return.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::json::Json;

/// Something was done.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Confirmation", example)]
pub(super) struct Done {
    /// What, in words.
    message: String,
}

pub(super) fn done(message: &str) -> Json<Done> {
    Json(Done { message: message.to_owned() })
}

impl Example for Done {
    fn example() -> Self {
        Self { message: "Successfully logged out".to_owned() }
    }
}

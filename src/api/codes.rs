//! The codes of all errors, which the contract shows as an enum.

use super::string_enum::{StringEnum, StringEnumValues};
use crate::domain::errors::codes;

/// The code of an error in a response body.
pub(super) type ErrorCode = StringEnum<ErrorCodes>;

/// The codes of the error table, as an enum of the contract.
pub(super) struct ErrorCodes;

impl StringEnumValues for ErrorCodes {
    const NAME: &'static str = "ErrorCode";
    const DESCRIPTION: &'static str =
        "The code of an error, for programs. Codes are never renamed; later versions may add some.";

    fn words() -> Vec<&'static str> {
        codes()
    }
}

//! Errors of providers: in the body of an error response, in a response with a success status, or in an event of a
//! stream.
//!
//! The text of an error decides which failure it is. Operators read it in the diagnostics; clients never receive it.

mod error;
mod failure;
mod json;
mod parameters;

pub(super) use self::error::ProviderError;

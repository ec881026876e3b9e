//! The error table: one row for each error that a client can receive.
//!
//! The HTTP responses, the session log, the metrics, the retries, the circuit breakers and `docs/errors.md` read the
//! same rows. Each layer's own error types map their variants to a row without a wildcard arm, so that a new variant
//! needs a row, and a row needs each of its columns, before the code compiles.

pub mod accounts;
pub mod bearers;
pub mod credentials;
mod document;
mod kind;
pub mod models;
pub mod requests;
pub mod resources;
mod table;
pub mod turns;

pub use self::{
    document::document,
    kind::{Billing, ErrorKind, RetryAfter, TurnErrorKind},
    table::codes,
};

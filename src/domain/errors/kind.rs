//! The columns of the error table, and the macro that declares its rows.

use crate::domain::finish::Finish;

/// An error that a client can receive: one row of the error table.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorKind {
    /// The HTTP status.
    pub status: u16,
    /// The stable code for programs, in snake case. Several rows may share a code.
    pub code: &'static str,
    /// The rule for the `Retry-After` header.
    pub retry_after: RetryAfter,
    /// The sentence for the client. Some errors replace it with one that names the field or the limit.
    pub sentence: &'static str,
    /// What happened, for `docs/errors.md`.
    pub meaning: &'static str,
    /// What the client or the operator can do, for `docs/errors.md`.
    pub action: &'static str,
}

/// An error that can end a turn: one row of the error table with the columns for the log, retries and breakers.
#[derive(Debug, PartialEq, Eq)]
pub struct TurnErrorKind {
    /// The columns that every error has.
    pub error: ErrorKind,
    /// The finish reason in the session log and the metrics.
    pub finish: Finish,
    /// Whether tokens may have been spent.
    pub billing: Billing,
    /// Whether the same model is asked again: the failure is likely to pass within seconds.
    pub is_transient: bool,
    /// Whether another model is asked: this one cannot answer now. For want of a key that is accepted, only one of
    /// another provider is.
    pub should_fall_back: bool,
    /// Whether the failure counts against the model's circuit breaker: the model or the connection to it is broken.
    pub counts_against_breaker: bool,
}

/// The rule for the `Retry-After` header of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// No header: a repetition fails again, or may follow at once.
    None,
    /// A fixed number of seconds.
    Seconds(u64),
    /// The time that the failure states.
    Stated,
    /// The time that the failure states, or else this number of seconds.
    StatedOr(u64),
}

/// Whether the provider may charge for a failed turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// No model began an answer, so no tokens were spent.
    Unbilled,
    /// Tokens may have been spent. They are counted if the provider reports them or if text has arrived.
    MaybeBilled,
    /// This service ended the call while the model was working. If the provider reports no tokens, they are estimated.
    Estimated,
}

/// Declares rows of the error table: a constant for each row, with its doc comment as its meaning, and a list of all
/// rows as the constant `ROWS`. A row that lacks a column does not compile.
macro_rules! error_rows {
    ($($(#[doc = $meaning:literal])+ $name:ident { $($column:ident: $value:expr,)+ })+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: $crate::domain::errors::kind::ErrorKind = $crate::domain::errors::kind::ErrorKind {
                meaning: concat!($($meaning),+),
                $($column: $value,)+
            };
        )+

        /// The rows of this file.
        pub(super) const ROWS: &[&$crate::domain::errors::kind::ErrorKind] = &[$(&$name),+];
    };
}
pub(super) use error_rows;

/// Declares rows of the error table that can end a turn. Like `error_rows`, with the columns of a turn behind `ends`.
macro_rules! turn_error_rows {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident { $($column:ident: $value:expr,)+ } ends { $($turn_column:ident: $turn_value:expr,)+ }
    )+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: $crate::domain::errors::kind::TurnErrorKind = $crate::domain::errors::kind::TurnErrorKind {
                error: $crate::domain::errors::kind::ErrorKind {
                    meaning: concat!($($meaning),+),
                    $($column: $value,)+
                },
                $($turn_column: $turn_value,)+
            };
        )+

        /// The rows of this file.
        pub(super) const ROWS: &[&$crate::domain::errors::kind::TurnErrorKind] = &[$(&$name),+];
    };
}
pub(super) use turn_error_rows;

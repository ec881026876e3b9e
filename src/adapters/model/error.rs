//! A failed call to the model, with the reason for the operator.

use std::{error::Error, fmt};

use super::ModelFailure;
use crate::foundation::{
    redaction::{redacted, without_repetitions},
    secret::ApiKey,
};

/// A failed call to the model, with the reason that the provider or the network states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// The kind of failure.
    pub failure: ModelFailure,
    /// The provider's or the network's own text about the cause, for the diagnostics only.
    pub reason: Option<Reason>,
}

impl ModelError {
    /// Creates an error with a reason.
    #[must_use]
    pub fn new(failure: ModelFailure, reason: Reason) -> Self {
        Self { failure, reason: Some(reason) }
    }

    /// Returns the reason without secrets, such as `keys`, and without repetitions of the texts that were sent. Empty if
    /// no reason is known.
    #[must_use]
    pub fn shown_reason<'a, 'k>(
        &self,
        keys: &(impl IntoIterator<Item = &'k ApiKey> + Clone),
        sent: impl Iterator<Item = &'a str> + Clone,
    ) -> String {
        let shown = |reason: &Reason| without_repetitions(&redacted(&reason.0, keys), sent);
        self.reason.as_ref().map_or_else(String::new, shown)
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

/// The reason is left out of the sources, because whoever prints them could print a secret.
impl Error for ModelError {}

impl From<ModelFailure> for ModelError {
    fn from(failure: ModelFailure) -> Self {
        Self { failure, reason: None }
    }
}

/// The text of a provider or a library about a failure. It may contain secrets, so it is printed only by
/// [`ModelError::shown_reason`].
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Creates a reason from a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reason(…)")
    }
}

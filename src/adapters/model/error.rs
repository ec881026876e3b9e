//! A failed call to the model, with what the operator should read about it.

use std::fmt;

use super::ModelFailure;
use crate::foundation::{
    redaction::{redacted, without_repetitions},
    secret::ApiKey,
};

/// A failed call to the model: what it means, and why, as far as that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// What it means for the turn.
    pub failure: ModelFailure,
    /// The cause in the words of the provider or the network, for the diagnostics only.
    pub reason: Option<Reason>,
}

impl ModelError {
    /// An error whose reason is known.
    #[must_use]
    pub fn new(failure: ModelFailure, reason: Reason) -> Self {
        Self { failure, reason: Some(reason) }
    }

    /// The reason without secrets, `key` above all, and without what it repeats of the texts that were sent; empty where
    /// none is known.
    #[must_use]
    pub fn shown_reason<'a>(&self, key: Option<&ApiKey>, sent: impl Iterator<Item = &'a str> + Clone) -> String {
        let shown = |reason: &Reason| without_repetitions(&redacted(&reason.0, key), sent);
        self.reason.as_ref().map_or_else(String::new, shown)
    }
}

impl From<ModelFailure> for ModelError {
    fn from(failure: ModelFailure) -> Self {
        Self { failure, reason: None }
    }
}

/// Somebody else's words about a failure, which may hold secrets: it prints only through [`ModelError::shown_reason`].
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The reason that `text` gives.
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

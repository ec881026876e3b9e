//! The reasons why no API key is available.

use super::papita::FetchFailure;
use crate::domain::errors::{TurnErrorKind, credentials, turns};

/// The reason why no API key is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCredential {
    /// No source of a key is configured, and no Papita answers at its default address.
    #[error("no source of an API key is configured")]
    NotConfigured,
    /// `OPENAI_API_KEY` is the placeholder of an example file, and no other source of a key is configured.
    #[error("OPENAI_API_KEY holds a placeholder of an example file, and no other source of an API key is configured")]
    Placeholder,
    /// Papita returned no key, and there is no local one.
    #[error("{0}, and OPENAI_API_KEY holds no key")]
    Papita(#[source] FetchFailure),
    /// No Papita has ever answered at the configured address, and there is no local key.
    #[error("{0}; no Papita was ever found at PAPITA_API_URL, and OPENAI_API_KEY holds no key")]
    BrokerNotFound(#[source] FetchFailure),
    /// The environment variable that the configuration file names for this provider holds no key.
    #[error("the environment variable that is named as the provider's key is unset, or holds no key")]
    VariableWithoutKey,
    /// Papita returned no key of the name that the configuration file has for this provider.
    #[error("{0}, and the provider has no other source of a key")]
    NamedKey(#[source] FetchFailure),
}

impl NoCredential {
    /// Whether no source of a key is configured, so that with `AI_SERVICE=auto` the built-in responder answers.
    pub(super) fn is_unconfigured(self) -> bool {
        matches!(self, Self::NotConfigured | Self::Placeholder)
    }

    /// Returns the row of the error table for this failure.
    #[must_use]
    pub fn kind(self) -> &'static TurnErrorKind {
        match self {
            Self::NotConfigured => &credentials::NO_API_KEY,
            Self::Placeholder => &credentials::PLACEHOLDER_API_KEY,
            Self::Papita(FetchFailure::NoDescriptors)
            | Self::BrokerNotFound(FetchFailure::NoDescriptors)
            | Self::NamedKey(FetchFailure::NoDescriptors) => &turns::NO_DESCRIPTORS,
            Self::Papita(failure) | Self::NamedKey(failure) if failure.is_transient() => {
                &credentials::CREDENTIALS_UNAVAILABLE
            }
            Self::VariableWithoutKey | Self::NamedKey(_) => &credentials::NO_KEY_OF_PROVIDER,
            Self::Papita(_) => &credentials::NO_USABLE_CREDENTIALS,
            Self::BrokerNotFound(_) => &credentials::BROKER_NOT_FOUND,
        }
    }
}

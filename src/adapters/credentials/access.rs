//! The ways in which a turn can be answered.

use super::{
    credential::{Credential, CredentialSource},
    no_credential::NoCredential,
};
use crate::foundation::secret::ApiKey;

/// The way in which a turn can be answered.
#[derive(Clone, Debug)]
pub enum Access {
    /// By the model, with this key.
    Key(Credential),
    /// By the model, which needs no key.
    NoKeyNeeded,
    /// By the built-in responder, because it was chosen or because no source of a key is configured.
    BuiltIn,
    /// Not at all: the model needs a key, and none is available.
    Missing(NoCredential),
}

impl Access {
    /// Returns the key to call the model with, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&ApiKey> {
        if let Self::Key(credential) = self { Some(&credential.key) } else { None }
    }

    /// Returns the source of the key.
    #[must_use]
    pub fn source(&self) -> CredentialSource {
        if let Self::Key(credential) = self { credential.source } else { CredentialSource::None }
    }

    /// Whether the model answers, rather than the built-in responder or nothing.
    #[must_use]
    pub fn reaches_the_model(&self) -> bool {
        matches!(self, Self::Key(_) | Self::NoKeyNeeded)
    }
}

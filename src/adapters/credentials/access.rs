//! The ways in which a turn can be answered.

use super::{
    credential::{Credential, CredentialSource},
    no_credential::NoCredential,
};
use crate::foundation::secret::ApiKey;

/// The way in which a turn can be answered.
#[derive(Clone, Debug)]
pub enum Access {
    /// The model answers, and is called with this key.
    Key(Credential),
    /// The model answers, and needs no key.
    NoKeyNeeded,
    /// The built-in responder answers: it was chosen, or no source of a key is configured.
    BuiltIn,
    /// Nothing can answer: the model needs a key, and none is available.
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
        if let Self::Key(credential) = self { credential.origin.source } else { CredentialSource::None }
    }

    /// Whether the model can be called, with or without a key.
    #[must_use]
    pub fn can_call_model(&self) -> bool {
        matches!(self, Self::Key(_) | Self::NoKeyNeeded)
    }
}

//! API keys with their sources.

use crate::foundation::secret::ApiKey;

/// The source of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Papita, the credential broker.
    PapitaApi,
    /// The setting `OPENAI_API_KEY`.
    LocalEnv,
    /// No key was used.
    None,
}

impl CredentialSource {
    /// Returns the name used on the wire and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PapitaApi => "papita_api",
            Self::LocalEnv => "local_env",
            Self::None => "none",
        }
    }
}

/// An API key with its source.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The source of the key.
    pub source: CredentialSource,
    /// The number of the call to Papita that returned the key. A later call has a greater number; the local key has 0.
    pub(super) generation: u64,
}

impl Credential {
    /// Creates the credential for the key in `OPENAI_API_KEY`.
    pub(super) fn local(key: ApiKey) -> Self {
        Self { key, source: CredentialSource::LocalEnv, generation: 0 }
    }

    /// Creates the credential for a key that Papita returned to the call with this number.
    pub(super) fn from_papita(key: ApiKey, generation: u64) -> Self {
        Self { key, source: CredentialSource::PapitaApi, generation }
    }
}

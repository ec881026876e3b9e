//! API keys with their sources.

use std::time::Instant;

use crate::foundation::secret::ApiKey;

/// The source of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Papita, the credential broker.
    PapitaApi,
    /// This server's settings: `OPENAI_API_KEY`, or a variable or a file that the configuration file names.
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

/// The way in which Papita's key was looked up for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// The key was in the cache.
    Hit,
    /// The turn has waited for a call to Papita, which returned the key. Turns that wait at the same time share a call.
    Fetched,
    /// The turn has waited for a call to Papita that returned no key, and uses an older key or the local one.
    Failed,
}

impl KeyLookup {
    /// Returns the name used in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Fetched => "fetched",
            Self::Failed => "failed",
        }
    }
}

/// The origin of the key that a call to a model used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOrigin {
    /// The source of the key.
    pub source: CredentialSource,
    /// The lookup of Papita's key; `None` if the key is not Papita's and Papita was not asked.
    pub lookup: Option<KeyLookup>,
    /// The time at which Papita returned the key; `None` for other sources.
    pub fetched_at: Option<Instant>,
}

impl KeyOrigin {
    /// The origin of a call without a key.
    pub const NO_KEY: Self = Self { source: CredentialSource::None, lookup: None, fetched_at: None };
}

/// An API key with its origin.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The origin of the key.
    pub origin: KeyOrigin,
    /// The number of the call to Papita that returned the key. A later call has a greater number; the local key has 0.
    pub(super) generation: u64,
}

impl Credential {
    /// Creates the credential for a key of the settings.
    pub(super) fn local(key: ApiKey) -> Self {
        let origin = KeyOrigin { source: CredentialSource::LocalEnv, ..KeyOrigin::NO_KEY };
        Self { key, origin, generation: 0 }
    }

    /// Creates the credential for a key that Papita returned to the call with this number.
    pub(super) fn from_papita(key: ApiKey, generation: u64) -> Self {
        let origin = KeyOrigin { source: CredentialSource::PapitaApi, ..KeyOrigin::NO_KEY };
        Self { key, origin, generation }
    }

    /// Returns the credential for a turn that has looked for Papita's key in this way.
    pub(super) fn found(self, lookup: KeyLookup) -> Self {
        Self { origin: KeyOrigin { lookup: Some(lookup), ..self.origin }, ..self }
    }
}

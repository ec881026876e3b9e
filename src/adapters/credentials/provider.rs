//! The choice between Papita's key, the local key, no key and the built-in responder.

use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;

use super::{
    access::Access, credential::Credential, no_credential::NoCredential, papita::FetchFailure, papita_keys::PapitaKeys,
    presence::PapitaPresence,
};
use crate::foundation::{
    config::{self, AiService},
    http_client::Client,
    secret::ApiKey,
    tasks::Tasks,
};

/// The number of refused keys that are remembered.
const MAX_REFUSED: u64 = 100;

/// The API keys of the service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<State>);

#[derive(Debug)]
struct State {
    papita: PapitaKeys,
    local: RwLock<Arc<LocalKey>>,
    /// The hashes of the keys that the provider refused when they were last used.
    refused: Cache<String, ()>,
}

/// The value of `OPENAI_API_KEY`.
#[derive(Debug)]
struct LocalKey {
    credential: Option<Credential>,
    /// Whether it is the placeholder of an example file.
    is_placeholder: bool,
}

impl LocalKey {
    fn of(settings: &config::Credentials) -> Arc<Self> {
        let credential = settings.local_key.clone().map(Credential::local);
        Arc::new(Self { credential, is_placeholder: settings.has_placeholder })
    }
}

impl Credentials {
    /// Creates the keys with these settings. `papita_was_found` says whether Papita has answered at its address before
    /// this start of the service.
    #[must_use]
    pub fn new(settings: &config::Credentials, papita_was_found: bool, client: Client, tasks: Tasks) -> Self {
        let presence = PapitaPresence::new(settings.papita_configured, papita_was_found);
        Self(Arc::new(State {
            papita: PapitaKeys::new(settings, presence, client, tasks),
            local: RwLock::new(LocalKey::of(settings)),
            refused: Cache::new(MAX_REFUSED),
        }))
    }

    /// Returns the way in which a turn can be answered now.
    pub async fn access(&self, settings: &config::Model) -> Access {
        if settings.service == AiService::Basic {
            return Access::BuiltIn;
        }
        let local = self.local_key();
        let current = self.0.papita.current(local.credential.as_ref()).await;
        match current.map_err(|failure| self.no_credential(failure)) {
            Ok(credential) => Access::Key(credential),
            Err(_) if self.needs_no_key(settings) => Access::NoKeyNeeded,
            Err(NoCredential::NotConfigured | NoCredential::Placeholder) if settings.service == AiService::Auto => {
                Access::BuiltIn
            }
            Err(none) => Access::Missing(none),
        }
    }

    /// Returns another key of Papita than the one that the provider has just refused; `None` if Papita has no other.
    pub async fn replacement(&self, refused: &Credential) -> Option<Credential> {
        self.0.papita.replacement(refused).await
    }

    /// Returns the key in `OPENAI_API_KEY`.
    #[must_use]
    pub fn local(&self) -> Option<Credential> {
        self.local_key().credential.clone()
    }

    /// Uses the key in `OPENAI_API_KEY` of these settings from now on. Returns what became of the key, for people.
    #[must_use]
    pub fn replace_local(&self, settings: &config::Credentials) -> &'static str {
        let new = LocalKey::of(settings);
        let key = |local: &LocalKey| local.credential.as_ref().map(|credential| credential.key.clone());
        let mut local = self.0.local.write().unwrap_or_else(PoisonError::into_inner);
        let (before, after) = (key(&local), key(&new));
        *local = new;
        match (before, after) {
            (before, after) if before == after => "has not changed",
            (None, _) => "was added",
            (_, None) => "was removed",
            _ => "has changed",
        }
    }

    fn local_key(&self) -> Arc<LocalKey> {
        Arc::clone(&self.0.local.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the model can be called, as far as is known without a call to Papita.
    pub async fn can_call_model(&self, settings: &config::Model) -> bool {
        self.local_key().credential.is_some() || self.0.papita.has_key().await || self.needs_no_key(settings)
    }

    /// Whether the built-in responder answers, as far as is known without a call to Papita.
    #[must_use]
    pub fn demo_mode(&self, settings: &config::Model) -> bool {
        match settings.service {
            AiService::Basic => true,
            AiService::OpenAi => false,
            AiService::Auto => !self.needs_no_key(settings) && self.has_no_source(),
        }
    }

    /// Whether the model is called without a key: its server is not OpenAI's, and no Papita is configured. If Papita is
    /// configured, a missing key is an error.
    fn needs_no_key(&self, settings: &config::Model) -> bool {
        settings.works_without_key() && !self.0.papita.presence().is_configured()
    }

    /// Whether no source of a key is configured, and no Papita answers at its default address. False before the first
    /// call.
    fn has_no_source(&self) -> bool {
        self.local_key().credential.is_none() && self.0.papita.presence().is_absent()
    }

    /// Whether Papita should exist: its address is configured, or it has answered.
    #[must_use]
    pub fn expects_papita(&self) -> bool {
        self.0.papita.presence().is_expected()
    }

    /// Waits until Papita has answered for the first time.
    pub async fn wait_for_papita(&self) {
        self.0.papita.presence().wait_until_found().await;
    }

    /// Returns the reason why no key is available, after a failure of Papita and without a local key.
    fn no_credential(&self, failure: FetchFailure) -> NoCredential {
        let presence = self.0.papita.presence();
        if presence.is_absent() {
            self.not_configured()
        } else if presence.was_found() {
            NoCredential::Papita(failure)
        } else {
            NoCredential::BrokerNotFound(failure)
        }
    }

    /// Returns the reason why no key is available if no source of a key is configured.
    #[must_use]
    pub fn not_configured(&self) -> NoCredential {
        if self.local_key().is_placeholder { NoCredential::Placeholder } else { NoCredential::NotConfigured }
    }

    /// Records whether the model's provider accepted a key.
    pub fn record_acceptance(&self, key: &ApiKey, is_accepted: bool) {
        let hash = key.debug_hash();
        if !is_accepted {
            self.0.refused.insert(hash, ());
        } else if self.0.refused.contains_key(&hash) {
            self.0.refused.invalidate(&hash);
        }
    }

    /// Whether the model's provider refused this key when it was last used.
    #[must_use]
    pub fn is_refused(&self, key: &ApiKey) -> bool {
        self.0.refused.contains_key(&key.debug_hash())
    }
}

//! The choice between Papita's key, the local key, no key and the built-in responder.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use super::{
    access::Access, credential::Credential, local_key::LocalKey, no_credential::NoCredential, papita::FetchFailure,
    papita_keys::PapitaKeys, presence::PapitaPresence,
};
use crate::foundation::{
    config::{self, AiService, KeySource},
    http_client::Client,
    secret::ApiKey,
    tasks::Tasks,
};

/// The number of refused keys that are remembered.
const MAX_REFUSED: u64 = 100;

/// The name of the key in Papita for the provider of the environment.
const PAPITA_NAME: &str = "openai";

/// The API keys of one provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<State>);

#[derive(Debug)]
struct State {
    policy: KeyPolicy,
    /// The keys of Papita; `None` if the provider has another source of its key, or needs none.
    papita: Option<PapitaKeys>,
    /// Whether Papita's key has a name that the configuration file states, so that no local key can replace it.
    is_named: bool,
    local: LocalKey,
    /// The hashes of the keys that the provider refused when they were last used.
    refused: Cache<String, ()>,
}

/// The rule for turns of a provider that has no key: who answers, and whether the provider is called all the same.
#[derive(Clone, Copy, Debug)]
pub struct KeyPolicy {
    /// Whether the built-in responder answers always, never, or without any source of a key.
    pub service: AiService,
    /// Whether the provider may work without a key.
    pub works_without_key: bool,
}

impl Credentials {
    /// Creates the keys of a provider with these settings. `papita_was_found` says whether Papita has answered at its address
    /// before this start of the service.
    #[must_use]
    pub fn new(
        settings: &config::Credentials,
        source: &KeySource,
        policy: KeyPolicy,
        papita_was_found: bool,
        client: Client,
        tasks: &Tasks,
    ) -> Self {
        let papita = |name: &str, is_configured| {
            let presence = PapitaPresence::new(is_configured, papita_was_found);
            PapitaKeys::new(settings, name, presence, client, tasks.clone())
        };
        Self(Arc::new(State {
            policy,
            papita: match source {
                KeySource::Settings => Some(papita(PAPITA_NAME, settings.papita_configured)),
                KeySource::Papita(name) => Some(papita(name, true)),
                KeySource::Variable { .. } | KeySource::File { .. } | KeySource::None => None,
            },
            is_named: matches!(source, KeySource::Papita(_)),
            local: LocalKey::start(settings, source, tasks),
            refused: Cache::new(MAX_REFUSED),
        }))
    }

    /// Returns the way in which a turn can be answered now.
    pub async fn access(&self) -> Access {
        if self.0.policy.service == AiService::Basic {
            return Access::BuiltIn;
        }
        match self.current().await {
            Ok(credential) => Access::Key(credential),
            Err(_) if self.needs_no_key() => Access::NoKeyNeeded,
            Err(none) if none.is_unconfigured() && self.0.policy.service == AiService::Auto => Access::BuiltIn,
            Err(none) => Access::Missing(none),
        }
    }

    async fn current(&self) -> Result<Credential, NoCredential> {
        let local = self.0.local.current();
        let local = local.credential.as_ref();
        match &self.0.papita {
            Some(papita) => papita.current(local).await.map_err(|failure| self.no_credential(papita, failure)),
            None => local.cloned().ok_or_else(|| self.not_configured()),
        }
    }

    /// Returns another key than the one that the provider has just refused, of Papita or of the file with the key; `None` if
    /// there is no other.
    pub async fn replacement(&self, refused: &Credential) -> Option<Credential> {
        match &self.0.papita {
            Some(papita) => papita.replacement(refused).await,
            None => self.0.local.other_than(&refused.key).await,
        }
    }

    /// Returns the time since Papita returned the key that turns use; `None` if they use no key of Papita.
    #[must_use]
    pub fn age_of_papita_key(&self) -> Option<Duration> {
        self.0.papita.as_ref()?.key_age()
    }

    /// Returns the key of the settings.
    #[must_use]
    pub fn local(&self) -> Option<Credential> {
        self.0.local.current().credential.clone()
    }

    /// Uses the local key of these settings from now on. Returns what became of the key, for people.
    #[must_use]
    pub fn replace_local(&self, settings: &config::Credentials, source: &KeySource) -> &'static str {
        match self.0.local.replace(settings, source) {
            (before, after) if before == after => "has not changed",
            (None, _) => "was added",
            (_, None) => "was removed",
            _ => "has changed",
        }
    }

    /// Whether the model can be called, as far as is known without a call to Papita.
    pub async fn can_call_model(&self) -> bool {
        let has_papita_key = match &self.0.papita {
            Some(papita) => papita.has_key().await,
            None => false,
        };
        has_papita_key || self.has_local() || self.needs_no_key()
    }

    /// Whether the built-in responder answers, as far as is known without a call to Papita.
    #[must_use]
    pub fn demo_mode(&self) -> bool {
        match self.0.policy.service {
            AiService::Basic => true,
            AiService::OpenAi => false,
            AiService::Auto => self.lacks_key() && self.not_configured().is_unconfigured(),
        }
    }

    /// Whether the model is called without a key: the provider may work without one, and no Papita is configured. If Papita
    /// is configured, a missing key is an error.
    fn needs_no_key(&self) -> bool {
        let has_broker = self.presence().is_some_and(PapitaPresence::is_configured);
        self.0.policy.works_without_key && !has_broker
    }

    /// Whether a key is needed, and there certainly is none: the settings have none, and no Papita is configured or answers at
    /// its default address. False before the first call to Papita.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        !self.needs_no_key() && !self.has_local() && self.presence().is_none_or(PapitaPresence::is_absent)
    }

    fn has_local(&self) -> bool {
        self.0.local.current().credential.is_some()
    }

    fn presence(&self) -> Option<&PapitaPresence> {
        self.0.papita.as_ref().map(PapitaKeys::presence)
    }

    /// Whether Papita should exist: its address is configured, or it has answered.
    #[must_use]
    pub fn expects_papita(&self) -> bool {
        self.presence().is_some_and(PapitaPresence::is_expected)
    }

    /// Waits until Papita has answered for the first time; for ever without Papita.
    pub async fn wait_for_papita(&self) {
        match self.presence() {
            Some(presence) => presence.wait_until_found().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the reason why no key is available, after a failure of Papita and without a local key.
    fn no_credential(&self, papita: &PapitaKeys, failure: FetchFailure) -> NoCredential {
        let presence = papita.presence();
        if self.0.is_named {
            NoCredential::NamedKey(failure)
        } else if presence.is_absent() {
            self.not_configured()
        } else if presence.was_found() {
            NoCredential::Papita(failure)
        } else {
            NoCredential::BrokerNotFound(failure)
        }
    }

    /// Returns the reason why the settings have no key of this provider, if they have none.
    #[must_use]
    pub fn not_configured(&self) -> NoCredential {
        self.0.local.current().absence
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

//! Which key to use now: Papita's first, `.env`'s behind it.
//!
//! A brokered key is *fresh* for a while, refreshed ahead of its expiry, and served *stale* while Papita is away. One
//! call to Papita serves however many wait, and a failure is remembered for a moment, so that a hanging Papita never
//! sits in the way of each turn.

mod papita;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{future::Cache, ops::compute::Op, sync};
use tokio::sync::{oneshot, watch};

pub use self::papita::FetchFailure;
use self::papita::Papita;
use crate::{
    domain::errors::{TurnErrorKind, credentials},
    foundation::{
        config::{self, AiService},
        http_client::Client,
        secret::ApiKey,
        tasks::Tasks,
    },
};

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Papita.
    PapitaApi,
    /// `OPENAI_API_KEY`.
    LocalEnv,
    /// No key was used.
    None,
}

impl CredentialSource {
    /// The name used on the wire and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PapitaApi => "papita_api",
            Self::LocalEnv => "local_env",
            Self::None => "none",
        }
    }
}

/// A key in use.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// Where it came from.
    pub source: CredentialSource,
    /// Counts the calls to Papita: the later the call, the greater. 0 for the local key.
    generation: u64,
}

/// There is no key to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCredential {
    /// No source of a key was configured, and nothing was found at Papita's default address.
    #[error("no source of an API key is configured")]
    NotConfigured,
    /// The same, and `OPENAI_API_KEY` holds a placeholder of an example file.
    #[error("OPENAI_API_KEY holds a placeholder of an example file, and no other source of an API key is configured")]
    Placeholder,
    /// Papita gave none, and there is no local one.
    #[error("{0}, and OPENAI_API_KEY holds no key")]
    Papita(#[source] FetchFailure),
    /// At the address of the Papita that was configured none was ever found, and there is no local key.
    #[error("{0}; no Papita was ever found at PAPITA_API_URL, and OPENAI_API_KEY holds no key")]
    NeverMet(#[source] FetchFailure),
}

impl NoCredential {
    /// Returns the row of the error table for this failure.
    #[must_use]
    pub fn kind(self) -> &'static TurnErrorKind {
        match self {
            Self::NotConfigured => &credentials::NO_API_KEY,
            Self::Placeholder => &credentials::PLACEHOLDER_API_KEY,
            Self::Papita(failure) if failure.is_transient() => &credentials::CREDENTIALS_UNAVAILABLE,
            Self::Papita(_) => &credentials::NO_USABLE_CREDENTIALS,
            Self::NeverMet(_) => &credentials::BROKER_NOT_FOUND,
        }
    }
}

/// How a turn may be answered.
#[derive(Clone, Debug)]
pub enum Access {
    /// By the model, asked with this key.
    Key(Credential),
    /// By the model, which needs no key.
    NoKeyNeeded,
    /// By the built-in responder: it was chosen, or no source of a key was configured at all.
    BuiltIn,
    /// Not at all.
    Missing(NoCredential),
}

impl Access {
    /// The key to ask with.
    #[must_use]
    pub fn key(&self) -> Option<&ApiKey> {
        if let Self::Key(credential) = self { Some(&credential.key) } else { None }
    }

    /// Where that key comes from.
    #[must_use]
    pub fn source(&self) -> CredentialSource {
        if let Self::Key(credential) = self { credential.source } else { CredentialSource::None }
    }

    /// Whether it is the model that answers.
    #[must_use]
    pub fn reaches_the_model(&self) -> bool {
        matches!(self, Self::Key(_) | Self::NoKeyNeeded)
    }
}

/// A brokered key and its age.
#[derive(Clone, Debug)]
struct Brokered {
    credential: Credential,
    fetched_at: Instant,
    /// When the model's provider refused this key although Papita has no other.
    refused_at: Option<Instant>,
}

/// Calls to Papita that may be shared: those for just any key since so many refusals, and those for another key than
/// the refused one with this fingerprint. A refused key must not be answered with the result of a call made before the
/// refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Call {
    Any(u64),
    OtherThan(String),
}

type Outcome = Result<Brokered, FetchFailure>;

/// The keeper of the keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Keeper>);

#[derive(Debug)]
struct Keeper {
    papita: Papita,
    papita_configured: bool,
    local: Option<Credential>,
    has_placeholder: bool,
    /// Fingerprints of the keys that the model's provider refused last.
    refused: sync::Cache<String, ()>,
    fresh: Duration,
    retry: Duration,
    /// At most one entry; it leaves when it is too old to be served even stale.
    keys: Cache<(), Brokered>,
    /// Calls under way, and the failures of late.
    calls: Cache<Call, Outcome>,
    generation: AtomicU64,
    /// Counts the keys dropped because they were refused.
    refusals: AtomicU64,
    failing: AtomicBool,
    /// The last look found nobody at Papita's address, and nobody said there should be one.
    absent: AtomicBool,
    refreshing: AtomicBool,
    met_papita: watch::Sender<bool>,
    tasks: Tasks,
}

impl Credentials {
    /// `met_papita` says whether the broker at this address has answered in an earlier life of this service.
    #[must_use]
    pub fn new(settings: &config::Credentials, met_papita: bool, client: Client, tasks: Tasks) -> Self {
        let local =
            settings.local_key.clone().map(|key| Credential { key, source: CredentialSource::LocalEnv, generation: 0 });
        Self(Arc::new(Keeper {
            papita: Papita::new(client, &settings.papita_url, settings.papita_timeout),
            papita_configured: settings.papita_configured,
            local,
            has_placeholder: settings.has_placeholder,
            refused: sync::Cache::new(100),
            fresh: settings.fresh,
            retry: settings.retry,
            keys: Cache::builder().max_capacity(1).time_to_live(settings.fresh + settings.stale).build(),
            calls: Cache::builder().max_capacity(1000).time_to_live(settings.retry).build(),
            generation: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            absent: AtomicBool::new(false),
            refreshing: AtomicBool::new(false),
            met_papita: watch::Sender::new(met_papita),
            tasks,
        }))
    }

    /// The key to use now.
    async fn current(&self) -> Result<Credential, NoCredential> {
        let papita_is_failing = self.0.failing.load(Ordering::Relaxed);
        if let Some(brokered) = self.0.keys.get(&()).await {
            if self.is_known_as_refused(&brokered)
                && let Some(local) = &self.0.local
            {
                return Ok(local.clone());
            }
            if brokered.fetched_at.elapsed() >= self.0.fresh && !papita_is_failing {
                return Ok(self.call(self.any()).await.unwrap_or(brokered).credential);
            }
            if self.is_due(&brokered) {
                self.refresh();
            }
            return Ok(brokered.credential);
        }
        if papita_is_failing && let Some(local) = &self.0.local {
            self.refresh();
            return Ok(local.clone());
        }
        match (self.call(self.any()).await, &self.0.local) {
            (Ok(brokered), _) => Ok(brokered.credential),
            (Err(_), Some(local)) => Ok(local.clone()),
            (Err(failure), None) => Err(self.none(failure)),
        }
    }

    /// Another key than the one the model's provider has just refused, from Papita. `None` when Papita has no other.
    pub async fn replacement(&self, refused: &Credential) -> Option<Credential> {
        let known = self.0.keys.get(&()).await;
        let found = match known {
            // Another turn has fetched the new key by now.
            Some(known) if known.credential.key != refused.key => known,
            // Another turn has learned by now that there is none.
            Some(known) if self.is_known_as_refused(&known) => return None,
            _ => {
                self.drop_generation(refused.generation).await;
                self.call(Call::OtherThan(refused.key.debug_hash())).await.ok()?
            }
        };
        Some(found.credential)
    }

    /// Drops just this generation: a newer one may have come in the meantime.
    async fn drop_generation(&self, generation: u64) {
        let drop_it = |entry: Option<moka::Entry<(), Brokered>>| {
            let found = entry.is_some_and(|entry| entry.value().credential.generation == generation);
            if found {
                // Turns that find no key now must not be told of a failure of a call begun before the refusal.
                self.0.refusals.fetch_add(1, Ordering::Relaxed);
            }
            std::future::ready(if found { Op::Remove } else { Op::Nop })
        };
        self.0.keys.entry(()).and_compute_with(drop_it).await;
    }

    /// A call for just any key, as of now.
    fn any(&self) -> Call {
        Call::Any(self.0.refusals.load(Ordering::Relaxed))
    }

    /// The key in `OPENAI_API_KEY`.
    #[must_use]
    pub fn local(&self) -> Option<Credential> {
        self.0.local.clone()
    }

    /// How a turn may be answered now.
    pub async fn access(&self, settings: &config::Model) -> Access {
        if settings.service == AiService::Basic {
            return Access::BuiltIn;
        }
        match self.current().await {
            Ok(credential) => Access::Key(credential),
            Err(_) if self.needs_no_key(settings) => Access::NoKeyNeeded,
            Err(NoCredential::NotConfigured | NoCredential::Placeholder) if settings.service == AiService::Auto => {
                Access::BuiltIn
            }
            Err(none) => Access::Missing(none),
        }
    }

    /// Whether the model could be asked, as far as is known without asking anybody.
    pub async fn can_ask_model(&self, settings: &config::Model) -> bool {
        self.0.local.is_some() || self.0.keys.get(&()).await.is_some() || self.needs_no_key(settings)
    }

    /// Whether the built-in responder answers, as far as is known without asking anybody.
    #[must_use]
    pub fn demo_mode(&self, settings: &config::Model) -> bool {
        match settings.service {
            AiService::Basic => true,
            AiService::OpenAi => false,
            AiService::Auto => !self.needs_no_key(settings) && self.has_no_source(),
        }
    }

    /// A server that isn't OpenAI's may be asked without a key, unless the operator named a Papita: then its silence
    /// is an error.
    fn needs_no_key(&self, settings: &config::Model) -> bool {
        settings.works_without_key() && !self.0.papita_configured
    }

    /// Whether no source of a key is configured, and a look at Papita's default address found none. Before the first
    /// look nobody knows, and the answer is no.
    fn has_no_source(&self) -> bool {
        self.0.local.is_none() && self.0.absent.load(Ordering::Relaxed)
    }

    /// Whether there is a Papita to reckon with: it was configured, or has ever answered.
    #[must_use]
    pub fn expects_papita(&self) -> bool {
        self.0.papita_configured || *self.0.met_papita.borrow()
    }

    /// Resolves when Papita has answered for the first time.
    pub async fn papita_met(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.met_papita.subscribe().wait_for(|met| *met).await;
    }

    fn none(&self, failure: FetchFailure) -> NoCredential {
        if self.0.absent.load(Ordering::Relaxed) {
            self.not_configured()
        } else if *self.0.met_papita.borrow() {
            NoCredential::Papita(failure)
        } else {
            NoCredential::NeverMet(failure)
        }
    }

    /// Why there is no key where none was configured.
    #[must_use]
    pub fn not_configured(&self) -> NoCredential {
        if self.0.has_placeholder { NoCredential::Placeholder } else { NoCredential::NotConfigured }
    }

    /// Notes whether the model's provider accepted a key.
    pub fn note_verdict(&self, key: &ApiKey, is_accepted: bool) {
        let fingerprint = key.debug_hash();
        if !is_accepted {
            self.0.refused.insert(fingerprint, ());
        } else if self.0.refused.contains_key(&fingerprint) {
            self.0.refused.invalidate(&fingerprint);
        }
    }

    /// Whether the model's provider refused this key when it was last asked with it.
    #[must_use]
    pub fn is_refused(&self, key: &ApiKey) -> bool {
        self.0.refused.contains_key(&key.debug_hash())
    }

    /// Asks Papita in the background, unless that is being done or has just failed.
    fn refresh(&self) {
        if self.0.calls.contains_key(&self.any()) || self.0.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        self.0.tasks.spawn("credential refresh", async move {
            // A failure is remembered by the call itself.
            let _ = this.call(this.any()).await;
            this.0.refreshing.store(false, Ordering::Release);
        });
    }

    /// One call to Papita for all who want it at the same time, in a task of its own: whoever leaves, the call goes on.
    async fn call(&self, call: Call) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let this = self.clone();
        self.0.tasks.spawn("credential fetch", async move {
            let entry = this.0.calls.entry(call.clone()).or_insert_with(this.fetch(&call)).await;
            let first = entry.is_fresh();
            let outcome = entry.into_value();
            // A success lives on in `keys`; here only failures are remembered.
            if first && outcome.is_ok() {
                this.0.calls.invalidate(&call).await;
            }
            let _ = done.send(outcome);
        });
        outcome.await.unwrap_or(Err(FetchFailure::Unreachable))
    }

    async fn fetch(&self, call: &Call) -> Outcome {
        // A call that has just ended may have brought what this one is for.
        if let Some(known) = self.0.keys.get(&()).await
            && self.serves(&known, call)
        {
            return Ok(known);
        }
        // Taken before the call: of two calls, the one begun later brings the newer key.
        let generation = self.0.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = self.0.papita.fetch().await;
        self.learn(outcome.as_ref().err().copied());
        let key = outcome?;
        let is_refused = *call == Call::OtherThan(key.debug_hash());
        let brokered = self.keep(key, generation, is_refused).await;
        // The refused key is kept all the same: a provider may refuse by mistake, and where there is no other key,
        // trying it costs less than certain failure.
        if is_refused { Err(FetchFailure::RefusedKey) } else { Ok(brokered) }
    }

    fn serves(&self, known: &Brokered, call: &Call) -> bool {
        match call {
            Call::Any(_) => !self.is_due(known),
            Call::OtherThan(refused) => known.credential.key.debug_hash() != *refused,
        }
    }

    /// Whether it is time to ask for a newer key: a little ahead of the expiry of this one.
    fn is_due(&self, known: &Brokered) -> bool {
        known.fetched_at.elapsed() >= self.0.fresh.mul_f32(0.8)
    }

    /// What a call, or its failure, tells about Papita.
    fn learn(&self, failure: Option<FetchFailure>) {
        if failure.is_none_or(FetchFailure::is_from_papita) {
            self.0.met_papita.send_if_modified(|met| !std::mem::replace(met, true));
        }
        let nobody = failure.is_some_and(FetchFailure::may_be_somebody_else);
        self.0.failing.store(failure.is_some(), Ordering::Relaxed);
        self.0.absent.store(nobody && !self.expects_papita(), Ordering::Relaxed);
        if let Some(failure) = failure
            && self.expects_papita()
        {
            tracing::warn!(%failure, "no key from Papita");
        }
    }

    /// Whether the provider has refused this key of late, and Papita had no other.
    fn is_known_as_refused(&self, known: &Brokered) -> bool {
        known.refused_at.is_some_and(|refused_at| refused_at.elapsed() < self.0.retry)
    }

    /// Keeps a key unless a newer one is there.
    async fn keep(&self, key: ApiKey, generation: u64, is_refused: bool) -> Brokered {
        let now = Instant::now();
        let credential = Credential { key, source: CredentialSource::PapitaApi, generation };
        let brokered = Brokered { credential, fetched_at: now, refused_at: is_refused.then_some(now) };
        let mut kept = brokered.clone();
        let newest = |entry: Option<moka::Entry<(), Brokered>>| {
            let known = entry.map(moka::Entry::into_value);
            if let Some(known) = &known
                && known.credential.key == kept.credential.key
            {
                kept.refused_at = kept.refused_at.or(known.refused_at);
            }
            let outdated = known.is_some_and(|known| known.credential.generation > generation);
            std::future::ready(if outdated { Op::Nop } else { Op::Put(kept) })
        };
        self.0.keys.entry(()).and_compute_with(newest).await;
        brokered
    }
}

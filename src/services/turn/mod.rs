//! A turn: what is asked, who answers, and what is kept of it.
//!
//! Each turn is a task of its own that writes a journal; whoever asked reads it, as a stream or to its end. A turn
//! that nobody waits for, or that was stopped, closes the model's connection. However it ends, short of a fault of ours,
//! it is logged and counted once.

mod admission;
mod failure;
mod idempotency;
mod image_hosts;
mod journal;
mod metrics;
mod model_call;
mod model_test;
mod outbox;
mod recording;
mod recovery;
mod registry;
mod request;
mod run;
mod stored_chat;
mod summary;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use self::{
    admission::Admission, journal::Journal, metrics::Metrics, outbox::UsageOutbox, registry::Registry,
    stored_chat::Chats,
};
pub use self::{
    failure::{Telling, TurnFailure},
    idempotency::{IdempotencyKey, InvalidIdempotencyKey},
    journal::{Event, EventKind, Reader},
    recovery::StartFailure,
    request::{StoredChatTurn, TurnRequest},
    summary::TurnSummary,
};
use crate::{
    adapters::{
        credentials::Credentials,
        host_lookup::HostLookup,
        model::{BreakerState, Breakers, OpenAi, basic},
        personas::Personas,
        session_log::SessionLog,
        storage::Storage,
        usage::UsageLog,
    },
    domain::{
        account::OwnerId,
        cost::Prices,
        known_models::{Abilities, KnownModels},
        session::SessionId,
    },
    foundation::{clock::Clock, config, http_client::Client, tasks::Tasks},
};

/// Takes turns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Table>);

#[derive(Debug)]
struct Table {
    settings: config::Model,
    limits: config::Turns,
    log_content: bool,
    prices: Prices,
    known_models: KnownModels,
    model: OpenAi,
    breakers: Breakers,
    admission: Admission,
    chats: Chats,
    registry: Registry,
    metrics: Metrics,
    credentials: Credentials,
    log: SessionLog,
    storage: Storage,
    outbox: UsageOutbox,
    clock: Clock,
    telling: Telling,
    /// The latest test of the model.
    test: Mutex<Weak<Journal>>,
    host_lookup: HostLookup,
    /// The turns themselves, apart from other tasks, so that a drain can wait for just them.
    running: Tasks,
    draining: CancellationToken,
    /// Ends the turns that a drain has waited for in vain.
    cut_off: CancellationToken,
}

/// The outside things a turn is made with.
#[derive(Debug)]
pub struct Dependencies {
    /// The process's HTTP client.
    pub client: Client,
    /// Who can speak. A model that a persona brings in later has no breaker and no metrics until the next start.
    pub personas: Personas,
    /// The keeper of the keys.
    pub credentials: Credentials,
    /// The session log.
    pub log: SessionLog,
    /// The database.
    pub storage: Storage,
    /// The clock.
    pub clock: Clock,
    /// The owner of the tasks that serve all turns.
    pub tasks: Tasks,
    /// How failures are told.
    pub telling: Telling,
}

impl Turns {
    /// Starts to take turns, with the turns kept that a crash left in the log alone.
    pub async fn open(config: &config::Config, means: Dependencies) -> Result<Self, StartFailure> {
        let Dependencies { client, personas, credentials, log, storage, clock, tasks, telling } = means;
        let personas_models = personas.models();
        let mut models = config.model.names();
        models.extend(personas_models.iter().map(String::as_str));
        let papita = &config.credentials;
        let usage_log = UsageLog::new(client.clone(), &papita.papita_url, papita.papita_timeout);
        let outbox = UsageOutbox::start(storage.clone(), usage_log, config.papita_queue_limit, clock.clone(), &tasks);
        let forgetting = idempotency::purge_expired_keys(storage.clone(), clock.clone(), tasks.stopping());
        tasks.spawn("idempotency keys", forgetting);
        let this = Self(Arc::new(Table {
            settings: config.model.clone(),
            limits: config.turns.clone(),
            log_content: config.session_log.content,
            prices: Prices::new(&config.model.prices),
            known_models: KnownModels::new(&config.model.windows, &config.model.vision),
            model: OpenAi::new(&config.model, client),
            breakers: Breakers::new(config.model.breaker, &models, &config.model.fallbacks),
            admission: Admission::new(&config.turns),
            chats: Chats::default(),
            registry: Registry::new(config.turns.resume_window),
            metrics: Metrics::new(models.into_iter().chain([basic::NAME])),
            credentials,
            log,
            storage,
            outbox,
            clock,
            telling,
            test: Mutex::default(),
            host_lookup: HostLookup::default(),
            running: Tasks::default(),
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
        }));
        this.recover().await?;
        tasks.spawn("stored chats", this.clone().tend_chats(tasks.stopping()));
        Ok(this)
    }

    /// Begins a turn, or finds the one that was begun for the same key. When its reader is dropped, the turn goes on
    /// for its grace, and then ends.
    pub async fn start(&self, mut ask: TurnRequest) -> Result<Reader, TurnFailure> {
        let model = self.allowed_model(&ask)?.to_owned();
        self.check_admission()?;
        if let Some(key) = ask.idempotency_key.take() {
            return self.take_once(ask, model, key).await;
        }
        // Who waits for a whole answer isn't told the turn's id before its end, and cannot come back to it.
        let journal = self.open_journal(&ask, &model, ask.stream);
        let reader = journal.reader();
        if ask.stream {
            self.0.registry.add(&journal);
        }
        let this = self.clone();
        self.0.running.spawn("turn", async move { this.run(ask, model, journal, None).await });
        Ok(reader)
    }

    /// Whether a turn would be taken now, for those who have to prepare it.
    pub fn check_admission(&self) -> Result<(), TurnFailure> {
        self.ensure_ready()?;
        self.0.admission.ensure_room()
    }

    /// Whose stored chat the turn belongs to that this request began or joined, if it is one of any.
    #[must_use]
    pub fn owner_of(&self, request_id: &str) -> Option<OwnerId> {
        self.0.registry.find(request_id)?.owner
    }

    /// A reader of the turn that this request began or joined. `None` when there is no such turn, no more, not in this
    /// session, or in a chat that isn't this owner's.
    #[must_use]
    pub fn find(&self, request_id: &str, session: Option<&SessionId>, owner: Option<OwnerId>) -> Option<Reader> {
        let journal = self.0.registry.find(request_id)?;
        // Outside of stored chats, whoever knows the id is taken for the caller, unless it names a session that isn't
        // the turn's.
        let is_of_session = session.is_none_or(|session| journal.session_id.as_ref() == Some(session));
        let is_owners = journal.owner.is_none() || journal.owner == owner;
        (is_of_session && is_owners).then(|| journal.reader())
    }

    /// How many usage records wait for Papita, and how many were dropped because too many waited.
    #[must_use]
    pub fn papita_queue(&self) -> (u64, u64) {
        (self.0.outbox.waiting(), self.0.outbox.dropped())
    }

    /// Each model's breaker.
    #[must_use]
    pub fn breakers(&self) -> Vec<(&str, BreakerState)> {
        let mut states = self.0.breakers.states().collect::<Vec<_>>();
        states.sort_unstable_by_key(|(model, _)| *model);
        states
    }

    /// All numbers of the moment, as OpenMetrics text.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.0.metrics.encode(&metrics::Now {
            running: self.0.admission.taken(),
            waiting: self.0.admission.waiting(),
            refused: self.0.admission.refused(),
            breakers: self.breakers(),
            papita_queue: self.papita_queue(),
        })
    }

    /// Whether new turns are refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Refuses new turns from now on, waits for those in flight, `deadline` at the most, and ends those that are left.
    /// Returns how many that were.
    pub async fn drain(&self, deadline: Duration) -> usize {
        self.0.draining.cancel();
        if self.0.running.finished(deadline).await {
            return 0;
        }
        let left = self.0.running.running();
        self.0.cut_off.cancel();
        // They only have to be logged now.
        self.0.running.finished(Duration::from_secs(5)).await;
        left
    }

    fn ensure_ready(&self) -> Result<(), TurnFailure> {
        if self.is_draining() {
            return Err(TurnFailure::Stopping);
        }
        self.0.log.ensure_writable().map_err(|_| TurnFailure::LogUnavailable)?;
        if self.0.storage.is_writable() { Ok(()) } else { Err(TurnFailure::StorageUnavailable) }
    }

    /// What the model of this name can take in, as far as it is known or was learned from its server.
    fn abilities(&self, model: &str) -> Abilities {
        let known = self.0.known_models.abilities(model);
        Abilities { window: self.0.model.learned_window(model).unwrap_or(known.window), ..known }
    }

    /// The model that the client names, if it may; else the persona's, or the usual one.
    fn allowed_model<'a>(&'a self, ask: &'a TurnRequest) -> Result<&'a str, TurnFailure> {
        let settings = &self.0.settings;
        let own = ask.persona.as_ref().and_then(|persona| persona.model.as_deref());
        match ask.model.as_deref() {
            None => Ok(own.unwrap_or(&settings.default)),
            Some(model) if Some(model) == own => Ok(model),
            Some(model) if model == settings.default || settings.allowed.iter().any(|it| it == model) => Ok(model),
            Some(_) => Err(TurnFailure::ModelNotAllowed),
        }
    }
}

//! A turn: what is asked, who answers, and what is kept of it.
//!
//! Each turn is a task of its own. Whoever asked may leave: then the model's connection is closed, and the turn is
//! logged and counted all the same, once.

mod account;
mod answer;
mod delivery;
mod recovery;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use moka::future::Cache;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use self::recovery::StartFailure;
use self::{answer::Reply, delivery::Delivery};
use crate::{
    chat::{Finish, Message, Role, Speaker},
    clock::Clock,
    config,
    cost::{Prices, TokenUsage},
    credentials::{Credentials, NoCredential},
    model::{Answer, ModelFailure, OpenAi},
    session::SessionId,
    session_log::SessionLog,
    storage::{Storage, TurnRecord},
    tasks::Tasks,
    usage::UsageLog,
};

/// What a door hands in.
#[derive(Debug)]
pub struct Ask {
    /// The request's id, unique and unguessable.
    pub request_id: String,
    /// When the request arrived.
    pub arrived: Instant,
    /// Who asks.
    pub speaker: Speaker,
    /// The session, if one was named.
    pub session_id: Option<SessionId>,
    /// The model, if one was named.
    pub model: Option<String>,
    /// The conversation; its last message is to be answered.
    pub messages: Vec<Message>,
}

/// What a door gets back.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer.
    pub text: String,
    /// The model that answered; `basic` is the built-in responder.
    pub model: String,
    /// The tokens it took.
    pub usage: TokenUsage,
    /// How it ended.
    pub finish: Finish,
    /// When.
    pub at: Timestamp,
}

/// A turn ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnFailure {
    /// The client may not choose this model.
    #[error("the model is not among those a client may choose")]
    ModelNotAllowed,
    /// The service is about to stop.
    #[error("the service is stopping")]
    Stopping,
    /// The session log cannot be written, so no turn may be answered.
    #[error("the session log cannot be written")]
    LogUnavailable,
    /// The database cannot be written.
    #[error("the database cannot be written")]
    StorageUnavailable,
    /// There is no key to ask the model with.
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    /// The model gave no answer.
    #[error(transparent)]
    Model(#[from] ModelFailure),
    /// The client left.
    #[error("the client left before the answer was there")]
    ClientGone,
    /// The turn's task died.
    #[error("the turn died of a fault of ours")]
    Died,
}

impl TurnFailure {
    fn finish(&self) -> Finish {
        match self {
            Self::ClientGone => Finish::ClientGone,
            Self::Stopping => Finish::Stopped,
            Self::Model(ModelFailure::Timeout) => Finish::Timeout,
            _ => Finish::UpstreamError,
        }
    }
}

/// How a failure will be told: its HTTP status and its stable code. The wire decides that, the log repeats it.
pub type Telling = fn(&TurnFailure) -> (u16, &'static str);

/// Takes turns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Table>);

#[derive(Debug)]
struct Table {
    settings: config::Model,
    log_content: bool,
    prices: Prices,
    model: OpenAi,
    credentials: Credentials,
    log: SessionLog,
    storage: Storage,
    delivery: Delivery,
    clock: Clock,
    telling: Telling,
    /// The test of the model that is under way.
    tests: Cache<(), Told>,
    /// The turns themselves, apart from other tasks, so that a drain can wait for just them.
    running: Tasks,
    draining: CancellationToken,
    /// Ends the turns that a drain has waited for in vain.
    cut_off: CancellationToken,
}

/// The outside things a turn is made with.
#[derive(Debug)]
pub struct Means {
    /// The process's HTTP client.
    pub client: reqwest::Client,
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
    pub async fn start(config: &config::Config, means: Means) -> Result<Self, StartFailure> {
        let Means { client, credentials, log, storage, clock, tasks, telling } = means;
        let papita = &config.credentials;
        let usage_log = UsageLog::new(client.clone(), &papita.papita_url, papita.papita_timeout);
        let delivery = Delivery::start(storage.clone(), usage_log, config.papita_queue_limit, &tasks);
        let this = Self(Arc::new(Table {
            settings: config.model.clone(),
            log_content: config.session_log.content,
            prices: Prices::new(&config.model.prices),
            model: OpenAi::new(&config.model, client),
            credentials,
            log,
            storage,
            delivery,
            clock,
            telling,
            tests: Cache::new(1),
            running: Tasks::default(),
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
        }));
        this.recover().await?;
        Ok(this)
    }

    /// One turn, from the question to an answer that is logged and counted. Dropping the future ends the turn.
    pub async fn take(&self, ask: Ask) -> Result<Told, TurnFailure> {
        let model = self.allowed_model(ask.model.as_deref())?.to_owned();
        self.ensure_ready()?;
        let (done, told) = oneshot::channel();
        let this = self.clone();
        self.0.running.spawn("turn", async move { this.run(ask, model, done).await });
        told.await.unwrap_or(Err(TurnFailure::Died))
    }

    /// Asks the model one word, to see whether it answers. The tokens are counted; no turn is logged. Whoever asks
    /// meanwhile gets the same answer: this costs money, and anyone may ask.
    pub async fn test(&self, request_id: &str) -> Result<Told, TurnFailure> {
        self.ensure_ready()?;
        let (done, told) = oneshot::channel();
        let this = self.clone();
        let request_id = request_id.to_owned();
        self.0.running.spawn("model test", async move {
            let told = this.0.tests.try_get_with((), this.run_test(request_id)).await;
            this.0.tests.invalidate(&()).await;
            // Whoever asked may have left.
            let _ = done.send(told.map_err(|failure| TurnFailure::clone(&failure)));
        });
        told.await.unwrap_or(Err(TurnFailure::Died))
    }

    async fn run_test(&self, request_id: String) -> Result<Told, TurnFailure> {
        let started = Instant::now();
        let messages = [Message { role: Role::User, content: "Reply with the single word OK.".to_owned() }];
        let mut reply = Reply::new(self.0.settings.default.clone());
        let answering = tokio::time::timeout(self.0.settings.turn_timeout, self.answer(&messages, &mut reply));
        let answer = answering.await.unwrap_or_else(|_| Err(ModelFailure::Timeout.into()))?;
        let cost = self.cost(&reply.model, answer.usage).unwrap_or_default();
        let told = Told::new(answer, &reply.model, self.0.clock.now());
        let record = TurnRecord {
            at: told.at,
            request_id,
            session_id: None,
            model: told.model.clone(),
            failed: false,
            usage: told.usage,
            cost,
            latency: started.elapsed(),
            posting: None,
        };
        self.0.storage.keep_turn(record, None);
        Ok(told)
    }

    /// How many usage records wait for Papita, and how many were dropped because too many waited.
    #[must_use]
    pub fn papita_queue(&self) -> (u64, u64) {
        (self.0.delivery.waiting(), self.0.delivery.dropped())
    }

    /// Whether new turns are refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Refuses new turns from now on, waits for those in flight, `deadline` at the most, and ends those that are left. Returns how many that were.
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
        if self.0.storage.keeps_turns() { Ok(()) } else { Err(TurnFailure::StorageUnavailable) }
    }

    fn allowed_model<'a>(&'a self, asked: Option<&'a str>) -> Result<&'a str, TurnFailure> {
        let settings = &self.0.settings;
        match asked {
            None => Ok(&settings.default),
            Some(model) if model == settings.default || settings.allowed.iter().any(|it| it == model) => Ok(model),
            Some(_) => Err(TurnFailure::ModelNotAllowed),
        }
    }

    async fn run(self, ask: Ask, model: String, mut done: oneshot::Sender<Result<Told, TurnFailure>>) {
        let mut reply = Reply::new(model);
        let timeout = self.0.settings.turn_timeout;
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(timeout, self.answer(&ask.messages, &mut reply)) => {
                outcome.unwrap_or_else(|_| Err(ModelFailure::Timeout.into()))
            }
            () = done.closed() => Err(TurnFailure::ClientGone),
            () = self.0.cut_off.cancelled() => Err(TurnFailure::Stopping),
        };
        let told = self.account(&ask, &reply, outcome).await;
        // Whoever asked may have left by now.
        let _ = done.send(told);
    }
}

impl Told {
    fn new(answer: Answer, model: &str, at: Timestamp) -> Self {
        Self {
            text: answer.text,
            model: model.to_owned(),
            usage: answer.usage.unwrap_or_default(),
            finish: answer.finish,
            at,
        }
    }
}

//! Builds, wires, runs, and stops everything in order.

mod accept;
mod connection_timeouts;
mod linger;
mod listen;
mod raw_head;
mod refusal;
mod request_body;
mod stream;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

pub use self::listen::ListenFailure;
use crate::{
    adapters::{
        credentials::Credentials,
        personas::{Personas, UnreadablePersonas},
        session_log::{self, LogUnavailable, OpenFailure, ServiceStart, ServiceStop, SessionLog},
        storage::{self, FINGERPRINTS, Storage, StorageFailure},
    },
    api::{self, AppState},
    foundation::{
        clock::Clock,
        config::Config,
        http_client::{self, Client, ClientFailure},
        secret::{FingerprintKey, SigningSecret},
        tasks::Tasks,
    },
    services::{
        accounts::Accounts,
        sessions::Sessions,
        turn::{self, Dependencies, Turns},
        visitors::Visitors,
    },
};

/// How long the start waits to learn whether there is a Papita. Where nobody listens, that is known in less than a
/// millisecond; a slow one is learned of later.
const FIRST_LOOK: Duration = Duration::from_millis(60);

/// How long what is left after the turns may take to be flushed.
const FLUSH: Duration = Duration::from_secs(5);

/// The service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenFailure),
    /// The session log cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenFailure),
    /// The session log cannot be written.
    #[error(transparent)]
    LogWrite(#[from] LogUnavailable),
    /// The database cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    /// Turns that a crash left in the log could not be kept.
    #[error(transparent)]
    Turns(#[from] turn::StartFailure),
    /// The personas cannot be read.
    #[error(transparent)]
    Personas(#[from] UnreadablePersonas),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] ClientFailure),
}

/// A service that serves.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    state: AppState,
    /// Connections and their accept loop.
    connections: Tasks,
    accepting: CancellationToken,
}

impl App {
    /// Starts serving. When this returns, connections are answered and `service_start` is in the log.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, StartFailure> {
        let started = Instant::now();
        let (listener, address) = listen::listen(&config.server).await?;
        let tasks = Tasks::default();
        let personas = Personas::open(config.personas_dir.clone(), &tasks)?;
        let log_settings = &config.session_log;
        let log =
            SessionLog::open(log_settings.dir.clone(), log_settings.file_access, log_settings.sync, clock.clone())?;
        let storage = Storage::open(&config.database, log.id().to_owned(), &clock, &tasks).await?;
        let client = http_client::build(config.model.connect_timeout, &config.proxy)?;
        let credentials = find_credentials(&config, &client, &storage, &clock, &tasks).await?;
        let means = Dependencies {
            client,
            personas: personas.clone(),
            credentials: credentials.clone(),
            log: log.clone(),
            storage: storage.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            telling: api::telling,
        };
        let turns = Turns::start(&config, means).await?;
        let idle_timeout = config.session_idle_timeout;
        let sessions = Sessions::start(storage.clone(), log.clone(), clock.clone(), idle_timeout, &tasks);
        let made = SigningSecret::generate();
        let kept = storage.shared_secret(FINGERPRINTS, made.expose()).await?;
        let fingerprint_key = FingerprintKey::new(&SigningSecret::kept(kept));
        let accounts = Accounts::open(&config.accounts, storage.clone(), clock.clone()).await?;
        let visitors = Visitors::start(storage.clone(), clock.clone(), config.visitor_retention, &tasks);
        let event = ServiceStart {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            model: &config.model.default,
            demo_mode: credentials.demo_mode(&config.model),
        };
        log.append(clock.now(), &event).await?;
        let config = Arc::new(config);
        let state = AppState {
            config,
            started,
            clock,
            personas,
            turns,
            sessions,
            accounts,
            visitors,
            credentials,
            fingerprint_key,
            log,
            storage,
            tasks,
        };
        let connections = Tasks::default();
        let accepting = CancellationToken::new();
        let endpoint = Arc::new(api::endpoint(state.clone()));
        let server = state.config.server.clone();
        let accept = accept::run(listener, endpoint, server, accepting.clone(), connections.clone());
        connections.spawn("accept loop", accept);
        announce(&state, address);
        Ok(Self { address, state, connections, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads again what can be read again without a restart: the personas. In the background, for a folder may be on a
    /// disk that doesn't answer.
    pub fn reload(&self) {
        tracing::info!("SIGHUP: the personas are read again; settings count from the next start");
        let personas = self.state.personas.clone();
        self.state.tasks.spawn("reload", async move { personas.reload().await });
    }

    /// Stops in order: unready at once, turns in flight finished or cut off at the deadline, connections closed,
    /// queues flushed, `service_stop` logged.
    pub async fn stop(self) {
        let AppState { turns, tasks, log, storage, clock, config, started, .. } = &self.state;
        tracing::info!(deadline = ?config.server.drain_timeout, "stopping; turns in flight are finished first");
        let deadline = Instant::now() + config.server.drain_timeout;
        let turns_cut_off = turns.drain(config.server.drain_timeout).await;
        self.accepting.cancel();
        // A slow client may still be reading an answer that is complete.
        let left = deadline.saturating_duration_since(Instant::now());
        if !self.connections.finished(left.max(FLUSH)).await {
            tracing::warn!("connections were left open by their clients");
        }
        if !tasks.stop(FLUSH).await {
            tracing::warn!("background tasks did not end in time; what they had queued is kept in the database");
        }
        let event = ServiceStop { uptime_seconds: started.elapsed().as_secs_f64(), turns_cut_off };
        if log.append(clock.now(), &event).await.is_err() {
            tracing::error!("service_stop could not be logged");
        }
        log.close().await;
        storage.close().await;
        if turns_cut_off > 0 {
            tracing::warn!(turns_cut_off, "stopped; DRAIN_TIMEOUT was too short for some turns");
        } else {
            tracing::info!("stopped");
        }
    }
}

/// Warns of files from before that others on this machine can read. They are left as they are: somebody may want that.
fn warn_of_wide_files(config: &Config) {
    let (log, access) = (&config.session_log, config.database.file_access);
    let mut wide = access.wider_among(storage::files(&config.database));
    if !access.wider_among(session_log::files(&log.dir)).is_empty() {
        wide.push(log.dir.clone());
    }
    if !wide.is_empty() {
        let files = wide.iter().map(|path| format!("'{}'", path.display())).collect::<Vec<_>>().join(" ");
        let chmod = access.chmod();
        tracing::warn!(
            "others on this machine can use files with conversations and secrets; run: chmod -R {chmod} {files}"
        );
    }
}

/// The keeper of the keys, after a first short look for Papita.
async fn find_credentials(
    config: &Config,
    client: &Client,
    storage: &Storage,
    clock: &Clock,
    tasks: &Tasks,
) -> Result<Credentials, StorageFailure> {
    let papita = config.credentials.papita_shown();
    let met = storage.has_met_papita(&papita).await?;
    let credentials = Credentials::new(&config.credentials, met, client.clone(), tasks.clone());
    if !met {
        let (credentials, storage, clock) = (credentials.clone(), storage.clone(), clock.clone());
        let stopping = tasks.stopping();
        tasks.spawn("papita contact", async move {
            tokio::select! {
                () = credentials.papita_met() => {
                    if let Err(failure) = storage.remember_papita(&papita, clock.now()).await {
                        tracing::warn!(%failure, "that Papita was met could not be remembered");
                    }
                }
                () = stopping.cancelled() => {}
            }
        });
    }
    // Whatever it finds is remembered by the keeper; too slow a look goes on without us.
    let _ = tokio::time::timeout(FIRST_LOOK, credentials.access(&config.model)).await;
    Ok(credentials)
}

fn announce(state: &AppState, address: SocketAddr) {
    let model = &state.config.model.default;
    tracing::info!(%model, version = env!("CARGO_PKG_VERSION"), "AL-Chat listens on http://{address}");
    if state.credentials.demo_mode(&state.config.model) {
        tracing::warn!(
            "demo mode: built-in replies, no language model; set OPENAI_API_KEY, PAPITA_API_URL or OPENAI_BASE_URL"
        );
    }
    let host_is_local = address.ip().is_loopback();
    if !host_is_local && state.config.server.origins.is_empty() {
        tracing::warn!("any website may call this server; FRONTEND_URL limits that to your own");
    }
    warn_of_wide_files(&state.config);
}

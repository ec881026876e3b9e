//! The service: constructs all parts, runs them, and shuts them down in order.

mod accept;
mod close;
mod connection_stream;
mod connection_timeouts;
mod listen;
mod malformed;
mod raw_head;
mod request_body;

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
        session_log::{self, LogOpenFailure, LogUnavailable, ServiceStart, ServiceStop, SessionLog},
        storage::{self, DatabaseOpenFailure, FINGERPRINT_SECRET, Storage, StorageFailure},
    },
    api::{self, AppState},
    domain::log_position::LogPosition,
    foundation::{
        clock::Clock,
        config::Config,
        error_chain::ErrorChain,
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

/// The time that the start waits for Papita's first response. Without a Papita the connection is refused in less than a
/// millisecond; a slower response is used when it comes.
const FIRST_PAPITA_TIMEOUT: Duration = Duration::from_millis(60);

/// The time for ending connections, and then background tasks, after the last turn has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// An error that prevents the service from starting.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The address cannot be bound.
    #[error(transparent)]
    Listen(#[from] ListenFailure),
    /// The session log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogOpenFailure),
    /// The session log cannot be written.
    #[error(transparent)]
    LogWrite(#[from] LogUnavailable),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseOpenFailure),
    /// A statement on the database failed.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    /// Turns that a crash left in the session log alone could not be written to the database.
    #[error(transparent)]
    Turns(#[from] turn::RecoveryFailure),
    /// The personas cannot be read.
    #[error(transparent)]
    Personas(#[from] UnreadablePersonas),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientFailure),
}

/// A running service.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    state: AppState,
    /// The accept loop and the open connections.
    connections: Tasks,
    accepting: CancellationToken,
}

impl App {
    /// Starts the service. When this returns, requests are answered and `service_start` is in the session log.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, StartFailure> {
        let started = Instant::now();
        let (listener, address) = listen::listen(&config.server).await?;
        let tasks = Tasks::default();
        let personas = Personas::open(config.personas_dir.clone(), &tasks)?;
        let log_settings = &config.session_log;
        let log =
            SessionLog::open(log_settings.dir.clone(), log_settings.file_access, log_settings.sync, clock.clone())?;
        let storage = Storage::open(&config.database, log.id().to_owned(), log.instance(), &clock, &tasks).await?;
        let client = http_client::build(config.model.connect_timeout, &config.proxy)?;
        let credentials = open_credentials(&config, &client, &storage, &clock, &tasks).await?;
        let dependencies = Dependencies {
            client,
            personas: personas.clone(),
            credentials: credentials.clone(),
            log: log.clone(),
            storage: storage.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
        };
        let turns = Turns::open(&config, &dependencies).await?;
        let idle_timeout = config.session_idle_timeout;
        let sessions = Sessions::start(storage.clone(), log.clone(), clock.clone(), idle_timeout, &tasks);
        let made = SigningSecret::generate();
        let kept = storage.get_or_insert_secret(FINGERPRINT_SECRET, made.expose()).await?;
        let fingerprint_key = FingerprintKey::new(&SigningSecret::stored(kept));
        let accounts = Accounts::open(&config.accounts, storage.clone(), clock.clone()).await?;
        let visitors = Visitors::start(storage.clone(), clock.clone(), config.visitor_retention, &tasks);
        let event = ServiceStart {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            model: &config.model.default,
            demo_mode: credentials.demo_mode(&config.model),
        };
        storage.register_log(log.append(clock.now(), &event).await?).await?;
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
        log_start(&state, address);
        Ok(Self { address, state, connections, accepting })
    }

    /// Returns the address that the service listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reloads the personas, the only thing that can be reloaded without a restart. It runs in the background, as the
    /// folder may be on a disk that doesn't respond.
    pub fn reload(&self) {
        tracing::info!("SIGHUP: the personas are read again; settings count from the next start");
        let personas = self.state.personas.clone();
        self.state.tasks.spawn("reload", async move { personas.reload().await });
    }

    /// Shuts the service down: refuses new turns, waits up to `DRAIN_TIMEOUT` for running ones and cancels the rest, closes
    /// connections, ends background tasks, and logs `service_stop`.
    pub async fn stop(self) {
        let AppState { turns, tasks, log, storage, clock, config, started, .. } = &self.state;
        tracing::info!(deadline = ?config.server.drain_timeout, "stopping; turns in flight are finished first");
        let deadline = Instant::now() + config.server.drain_timeout;
        let turns_cut_off = turns.drain(config.server.drain_timeout).await;
        self.accepting.cancel();
        // A slow client may still be receiving a complete response.
        let left = deadline.saturating_duration_since(Instant::now());
        if !self.connections.finished(left.max(SHUTDOWN_TIMEOUT)).await {
            tracing::warn!("connections were left open by their clients");
        }
        if !tasks.stop(SHUTDOWN_TIMEOUT).await {
            tracing::warn!(
                "background tasks did not end in time; their queues stay in the database until the next start"
            );
        }
        let event = ServiceStop { uptime_seconds: started.elapsed().as_secs_f64(), turns_cut_off };
        if let Ok(end) = log.append(clock.now(), &event).await {
            close_log(storage, end).await;
        } else {
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

/// Stores that everything in the session log is in the database.
async fn close_log(storage: &Storage, end: LogPosition) {
    if let Err(failure) = storage.close_log(end).await {
        let failure = ErrorChain(&failure);
        tracing::warn!(%failure, "the end of the session log could not be stored; the next start looks for it in the log");
    }
}

/// Warns about existing files that other users of this machine can read. Their modes are not changed, as they may be
/// intended.
fn warn_about_readable_files(config: &Config) {
    let (log, access) = (&config.session_log, config.database.file_access);
    let mut wide = access.wider_among(storage::files(&config.database));
    if !access.wider_among(session_log::files(&log.dir)).is_empty() {
        wide.push(log.dir.clone());
    }
    if !wide.is_empty() {
        let files = wide.iter().map(|path| format!("'{}'", path.display())).collect::<Vec<_>>().join(" ");
        let chmod = access.chmod();
        tracing::warn!(
            "other users of this machine can read files with conversations and secrets; run: chmod -R {chmod} {files}"
        );
    }
}

/// Constructs the credentials, and waits shortly for Papita's first response.
async fn open_credentials(
    config: &Config,
    client: &Client,
    storage: &Storage,
    clock: &Clock,
    tasks: &Tasks,
) -> Result<Credentials, StorageFailure> {
    let papita = config.credentials.papita_shown();
    let met = storage.has_papita_answered(&papita).await?;
    let credentials = Credentials::new(&config.credentials, met, client.clone(), tasks.clone());
    if !met {
        let (credentials, storage, clock) = (credentials.clone(), storage.clone(), clock.clone());
        let stopping = tasks.stopping();
        tasks.spawn("papita contact", async move {
            tokio::select! {
                () = credentials.wait_for_papita() => {
                    if let Err(failure) = storage.record_papita_answer(&papita, clock.now()).await {
                        tracing::warn!(%failure, "that Papita was met could not be remembered");
                    }
                }
                () = stopping.cancelled() => {}
            }
        });
    }
    // The result is cached by the credentials. After the timeout, the request to Papita continues in the background.
    let _ = tokio::time::timeout(FIRST_PAPITA_TIMEOUT, credentials.access(&config.model)).await;
    Ok(credentials)
}

fn log_start(state: &AppState, address: SocketAddr) {
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
    warn_about_readable_files(&state.config);
}

//! The service: constructs all parts, runs them, and shuts them down in order.

mod accept;
mod assembly;
mod close;
mod connection_stream;
mod connection_timeouts;
mod descriptor_budget;
mod listen;
mod live_limits;
mod malformed;
mod open_connections;
mod raw_head;
mod request_body;
mod slots;
mod start_failure;
mod startup;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use self::{assembly::open, listen::Listener, startup::StartupEndpoint};
pub use self::{listen::ListenFailure, start_failure::StartFailure};
use crate::{
    adapters::{
        session_log::{self, ServiceStop},
        storage::{self, Storage},
    },
    api::{self, AppState},
    domain::{
        limits::{WorstDay, exemption},
        log_position::LogEnd,
    },
    foundation::{
        clock::Clock,
        config::{Config, KeySource, Provider},
        error_chain::ErrorChain,
        outage::StartOutage,
        tasks::Tasks,
    },
    services::turn::{CutOffTurns, RecoveryProgress},
};

/// The time for ending connections, and then background tasks, after the last turn has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running service.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    state: AppState,
    /// The accept loop and the open connections.
    connections: Tasks,
    accepting: CancellationToken,
    /// Whether connections that are not accepted wait for the next process.
    socket_is_passed: bool,
}

impl App {
    /// Starts the service. When this returns, requests are answered and `service_start` is in the session log. Before that,
    /// health checks are answered, and other requests wait shortly and are refused. If the database or the folder of the
    /// session log cannot be used now, this waits until it can.
    pub async fn start(mut config: Config, clock: Clock) -> Result<Self, StartFailure> {
        descriptor_budget::apply(&mut config);
        let Listener { socket, address, is_passed: socket_is_passed } = listen::listen(&config.server).await?;
        if socket_is_passed {
            // Who may read what depends on where the service really listens.
            (config.server.host, config.server.port) = (address.ip().to_string(), address.port());
        }
        let (progress, outage) = (RecoveryProgress::default(), StartOutage::default());
        let starting = api::starting(&config, progress.clone(), outage.clone());
        let endpoint = Arc::new(StartupEndpoint::new(starting, outage.clone()));
        let (connections, accepting) = (Tasks::default(), CancellationToken::new());
        let stop_accepting = accepting.clone().drop_guard();
        let (server, tasks) = (config.server.clone(), connections.clone());
        let accept = accept::run(socket, Arc::clone(&endpoint), server, accepting.clone(), tasks);
        connections.spawn("accept loop", accept);
        // Boxed, so that the futures of callers stay small.
        let state = Box::pin(open(config, clock, &progress, &outage)).await?;
        endpoint.serve(api::endpoint(state.clone()));
        log_start(&state, address);
        stop_accepting.disarm();
        Ok(Self { address, state, connections, accepting, socket_is_passed })
    }

    /// Returns the address that the service listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the personas again, and then the limits and sites of the configuration file. It runs in the background, as a file
    /// may be on a disk that doesn't respond.
    pub fn reload_files(&self) {
        let AppState { personas, sites, tasks, .. } = &self.state;
        let (personas, sites) = (personas.clone(), sites.clone());
        tasks.spawn("reload", async move {
            personas.reload().await;
            sites.reload().await;
        });
    }

    /// Uses the local keys of these settings from now on: `OPENAI_API_KEY`, and the variables that the configuration file names.
    /// Returns what became of each, for people.
    #[must_use]
    pub fn reload_keys(&self, config: &Config) -> Vec<String> {
        let replaced = self.state.config.providers.iter().filter_map(|(index, provider)| {
            let name = match &provider.key {
                KeySource::Settings => "the key",
                KeySource::Variable { name, .. } => name.as_str(),
                // A file is read again by itself.
                KeySource::File { .. } | KeySource::Papita(_) | KeySource::None => return None,
            };
            // A key that is meant for another server must not be sent to the one that is called until the next start.
            let is_same =
                |again: &&Provider| again.key.is_at_same_place(&provider.key) && again.base_url == provider.base_url;
            let Some(again) = config.providers.iter().map(|(_, again)| again).find(is_same) else {
                return Some(format!("{name} stays as it was, since the server that it is for has changed, too"));
            };
            let credentials = &self.state.providers.get(index).credentials;
            Some(format!("{name} {}", credentials.replace_local(&config.credentials, &again.key)))
        });
        replaced.collect()
    }

    /// Shuts the service down: refuses new turns, waits up to `DRAIN_TIMEOUT` for running ones and cancels the rest, closes
    /// connections, ends background tasks, and logs `service_stop`. Once `cut_off` is cancelled, it doesn't wait for turns.
    pub async fn stop(self, cut_off: CancellationToken) {
        let AppState { turns, tasks, trace_tasks, log, storage, clock, config, started, .. } = &self.state;
        tracing::info!(deadline = ?config.server.drain_timeout, "stopping; turns in flight are finished first");
        let deadline = Instant::now() + config.server.drain_timeout;
        if self.socket_is_passed {
            // Whoever connects from now on is answered by the next process, and not refused by this one.
            self.accepting.cancel();
        }
        let CutOffTurns { count: turns_cut_off, at_once } = turns.drain(config.server.drain_timeout, &cut_off).await;
        self.accepting.cancel();
        if !self.close_connections(deadline, &cut_off).await {
            tracing::warn!("connections were left open by their clients");
        }
        if !tasks.stop(SHUTDOWN_TIMEOUT).await {
            tracing::warn!(
                "background tasks did not end in time; their queues stay in the database until the next start"
            );
        }
        // Before `service_stop`, which is the last line.
        log.end_refusals().await;
        let event = ServiceStop { uptime_seconds: started.elapsed().as_secs_f64(), turns_cut_off };
        if let Ok(end) = log.append(clock.now(), &event).await {
            close_log(storage, end).await;
        } else {
            tracing::error!("service_stop could not be logged");
        }
        log.close().await;
        storage.close().await;
        // Its attempts to send what is left are bounded.
        trace_tasks.stop(SHUTDOWN_TIMEOUT).await;
        match turns_cut_off {
            0 => tracing::info!("stopped"),
            _ if at_once => tracing::warn!(turns_cut_off, "stopped; a second signal cut turns off"),
            _ => tracing::warn!(turns_cut_off, "stopped; DRAIN_TIMEOUT was too short for some turns"),
        }
    }

    /// Waits until all connections have ended: until the deadline, as a slow client may still be receiving a complete
    /// response, or for [`SHUTDOWN_TIMEOUT`], which is the limit once `cut_off` is cancelled. Returns whether all have ended.
    async fn close_connections(&self, deadline: Instant, cut_off: &CancellationToken) -> bool {
        let left = deadline.saturating_duration_since(Instant::now()).max(SHUTDOWN_TIMEOUT);
        match cut_off.run_until_cancelled(self.connections.finished(left)).await {
            Some(have_ended) => have_ended,
            None => self.connections.finished(SHUTDOWN_TIMEOUT).await,
        }
    }
}

/// Stores that everything in the session log is in the database.
async fn close_log(storage: &Storage, end: LogEnd) {
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

/// Warns if nothing limits what a day costs.
fn warn_about_costs(state: &AppState) {
    let worst = WorstDay::of(&state.config, &state.personas.models());
    if worst.is_worth_a_warning() {
        tracing::warn!("{worst}");
    }
}

fn log_start(state: &AppState, address: SocketAddr) {
    let model = &state.config.model.default;
    tracing::info!(%model, version = env!("CARGO_PKG_VERSION"), "AL-Chat listens on http://{address}");
    if let Some(url) = &state.config.server.public_url {
        tracing::info!("browsers reach AL-Chat at {url}");
    }
    if state.credentials.demo_mode() {
        tracing::warn!(
            "demo mode: built-in replies, no language model; set OPENAI_API_KEY, PAPITA_API_URL or OPENAI_BASE_URL"
        );
    }
    if let Some(exempt) = exemption(&state.config.limits) {
        tracing::info!("{exempt}");
    }
    let host_is_local = address.ip().is_loopback();
    if !host_is_local && !state.credentials.demo_mode() {
        warn_about_costs(state);
    }
    let unused = state.config.unused_providers(&state.personas.models());
    if !unused.is_empty() {
        tracing::warn!(providers = ?unused, "these providers are not used: none of their models may answer");
    }
    let sites = state.config.sites.iter().map(|site| site.id.to_string()).collect::<Vec<_>>();
    if !sites.is_empty() {
        tracing::info!(?sites, "the sites of {}", state.config.config_file.path.display());
    }
    if !host_is_local && state.config.server.origins.is_empty() && sites.is_empty() {
        tracing::warn!("any website may call this server; FRONTEND_URL limits that to your own");
    }
    warn_about_readable_files(&state.config);
}

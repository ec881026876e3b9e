//! `GET /api/admin/status`: what the service does now, and the state of its parts.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use serde::Serialize;

use crate::{
    adapters::{credentials::CredentialSource, storage::Destination},
    api::{AppState, Group, caller::Operator, json::Json, problem::failures},
    domain::breaker::BreakerState,
    services::turn::ProviderAccess,
};

failures! { StatusFailure {
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
} }

/// What a replica does now, and the state of its parts.
#[expect(clippy::struct_excessive_bools, reason = "fields of JSON")]
#[derive(Debug, Object, PartialEq, Serialize)]
#[oai(example)]
pub(super) struct ServiceStatus {
    /// The version of al-chat.
    version: String,
    /// The time of the start.
    started_at: String,
    /// Whether the built-in responder answers, because no source of a key is configured.
    demo_mode: bool,
    /// Whether the operator has paused all spending.
    is_spending_paused: bool,
    /// The number of turns that run now.
    turns_running: u64,
    /// The number of turns that wait for a place.
    turns_waiting: u64,
    /// The largest number of turns that run at once.
    max_turns: u64,
    /// The models that turns may call.
    models: Vec<ModelStatus>,
    /// The hooks that turns ask.
    hooks: Vec<HookStatus>,
    /// The keys of the providers, without the keys themselves.
    keys: Vec<KeyStatus>,
    /// Usage records for Papita.
    papita_queue: QueueStatus,
    /// Events for the receiver.
    event_queue: QueueStatus,
    /// Whether the session log can be written. If not, turns are refused.
    is_log_writable: bool,
    /// Whether the database can be written. If not, turns are refused.
    is_database_writable: bool,
    /// The number of processes that use the database, this one included.
    replicas: u64,
}

/// A model, and whether it is called.
#[derive(Debug, Object, PartialEq, Serialize)]
struct ModelStatus {
    /// The name of the model.
    model: String,
    /// The name of its provider.
    provider: String,
    /// The state of its circuit breaker.
    breaker: Breaker,
}

/// A hook of the owner, and whether it is called.
#[derive(Debug, Object, PartialEq, Serialize)]
struct HookStatus {
    /// The hook: `guard` or `context`.
    hook: String,
    /// The state of its circuit breaker.
    breaker: Breaker,
}

/// The state of a circuit breaker: `closed` (the model or hook is called), `open` (not, after failures), `half_open` (one call tries it).
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Breaker {
    Closed,
    Open,
    HalfOpen,
}

/// Where the key of a provider comes from.
#[derive(Debug, Object, PartialEq, Serialize)]
struct KeyStatus {
    /// The name of the provider.
    provider: String,
    /// The source of the key that turns use: `papita_api`, `local_env` (the settings), or `none`.
    source: String,
    /// The seconds since Papita returned the key, to the minute below; null for other keys.
    #[oai(nullable)]
    age_seconds: Option<u64>,
}

/// Records that wait to be sent.
#[derive(Debug, Object, PartialEq, Serialize)]
struct QueueStatus {
    /// The number that waits.
    waiting: u64,
    /// The number that was dropped since the database was made.
    dropped: u64,
}

impl ServiceStatus {
    pub(super) fn of(state: &AppState) -> Self {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (running, waiting) = state.turns.load();
        let uptime = jiff::SignedDuration::try_from(state.started.elapsed()).unwrap_or_default();
        // Whole seconds, so that a status that has not changed equals the one before.
        let started = state.clock.steady().saturating_sub(uptime).unwrap_or(jiff::Timestamp::MIN);
        let started = started.round(jiff::Unit::Second).unwrap_or(started);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: state.clock.rfc3339(started),
            demo_mode: state.credentials.demo_mode(),
            is_spending_paused: state.sites.is_spending_paused(),
            turns_running: number(running),
            turns_waiting: number(waiting),
            max_turns: number(state.config.turns.max_turns),
            models: models(state),
            hooks: hooks(state),
            keys: state.config.providers.iter().map(|(at, it)| key(&it.name, state.providers.get(at))).collect(),
            papita_queue: queue(state, Destination::Papita),
            event_queue: queue(state, Destination::Events),
            is_log_writable: state.log.ensure_writable().is_ok(),
            is_database_writable: state.storage.is_writable(),
            replicas: state.storage.replicas(),
        }
    }
}

fn models(state: &AppState) -> Vec<ModelStatus> {
    let (model, providers) = (&state.config.model, &state.config.providers);
    let status = |(name, breaker): (&str, BreakerState)| ModelStatus {
        model: name.to_owned(),
        provider: providers.get(model.provider_of(name)).name.clone(),
        breaker: breaker.into(),
    };
    state.turns.breakers().into_iter().map(status).collect()
}

fn hooks(state: &AppState) -> Vec<HookStatus> {
    let status = |(hook, breaker): (&str, BreakerState)| HookStatus { hook: hook.to_owned(), breaker: breaker.into() };
    state.turns.hook_breakers().into_iter().map(status).collect()
}

impl From<BreakerState> for Breaker {
    fn from(state: BreakerState) -> Self {
        match state {
            BreakerState::Closed => Self::Closed,
            BreakerState::Open => Self::Open,
            BreakerState::HalfOpen => Self::HalfOpen,
        }
    }
}

fn key(provider: &str, ProviderAccess { credentials, .. }: &ProviderAccess) -> KeyStatus {
    let age = credentials.age_of_papita_key();
    let source = match age {
        Some(_) => CredentialSource::PapitaApi,
        None if credentials.local().is_some() => CredentialSource::LocalEnv,
        None => CredentialSource::None,
    };
    let age_seconds = age.map(|age| age.as_secs() / 60 * 60);
    KeyStatus { provider: provider.to_owned(), source: source.as_str().to_owned(), age_seconds }
}

fn queue(state: &AppState, destination: Destination) -> QueueStatus {
    let (waiting, dropped) = state.turns.queue(destination);
    QueueStatus { waiting, dropped }
}

pub(in crate::api) struct StatusApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl StatusApi {
    /// Read what the service does now
    ///
    /// Returns the turns that run at this replica, and the state of models, keys, queues, session log and database. Calls no other
    /// system.
    #[oai(path = "/status", method = "get", operation_id = "getStatus")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn status(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
    ) -> Result<Json<ServiceStatus>, StatusFailure> {
        Ok(Json(ServiceStatus::of(state)))
    }
}

impl Example for ServiceStatus {
    fn example() -> Self {
        let model = |name: &str, provider: &str, breaker| ModelStatus {
            model: name.to_owned(),
            provider: provider.to_owned(),
            breaker,
        };
        let queue = || QueueStatus { waiting: 0, dropped: 0 };
        let (provider, source) = ("openai".to_owned(), CredentialSource::PapitaApi.as_str().to_owned());
        Self {
            version: "0.1.0".to_owned(),
            started_at: "2026-11-29T08:12:44.000000+01:00".to_owned(),
            demo_mode: false,
            is_spending_paused: false,
            turns_running: 7,
            turns_waiting: 0,
            max_turns: 1000,
            models: vec![model("gpt-4o-mini", "openai", Breaker::Closed)],
            hooks: vec![HookStatus { hook: "guard".to_owned(), breaker: Breaker::Closed }],
            keys: vec![KeyStatus { provider, source, age_seconds: Some(420) }],
            papita_queue: queue(),
            event_queue: queue(),
            is_log_writable: true,
            is_database_writable: true,
            replicas: 1,
        }
    }
}

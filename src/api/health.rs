//! `GET /api/health`, `/api/health/live` and `/api/health/ready`: state, liveness and readiness of the service.

use std::time::Duration;

use poem::{IntoResponse, web::Data};
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use serde::Serialize;
use serde_json::json;

use super::{
    AppState, Group,
    json::Json,
    problem::{Problem, failures},
};
use crate::{
    adapters::storage::Destination,
    domain::{breaker::BreakerState, errors::requests},
    foundation::outage::Outage,
};

failures! { NotReady {
    503 "No traffic should be sent here now (`not_ready`); `details.parts` names the faults.",
} }

failures! { NotAlive {
    503 "The process should be restarted (`not_alive`).",
} }

/// The maximum time for the check of the database. A slower database is of no use to clients either.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// The path of the check whether the process is alive.
pub(super) const LIVE_PATH: &str = "/api/health/live";

/// The path of the check whether the service can take traffic.
pub(super) const READY_PATH: &str = "/api/health/ready";

/// The state of the service.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct Health {
    /// Whether the service takes requests.
    status: HealthStatus,
    /// The time of the response, RFC 3339.
    timestamp: String,
    /// Whether turns can be sent to the model: a key is at hand, or the model's server needs none.
    openai_configured: bool,
    /// Whether the built-in responder answers because no source of a key is configured.
    demo_mode: bool,
    /// The model that is used when a client names none.
    model: String,
    /// The version of al-chat.
    version: String,
    /// Seconds since the start.
    uptime_seconds: u64,
    /// Usage records that wait for Papita.
    papita_queue_depth: u64,
    /// Usage records dropped since the database was made: too many waited, or Papita refused them.
    papita_queue_dropped: u64,
    /// Events that wait to be sent to `EVENTS_URL`.
    event_queue_depth: u64,
    /// Events dropped since the database was made: too many waited, they waited too long, or the receiver refused them.
    event_queue_dropped: u64,
}

/// `healthy` while it serves, `stopping` after a signal to stop.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Healthy,
    Stopping,
}

/// The process is alive.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Liveness", example)]
struct Live {
    /// The state of the process.
    status: LiveStatus,
}

/// Always `alive`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "LivenessStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum LiveStatus {
    Alive,
}

/// The service can take traffic.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Readiness", example)]
struct Ready {
    /// The readiness of the service.
    status: ReadyStatus,
    /// The state of each part; every part that readiness depends on is `ok`.
    parts: Parts,
}

/// Always `ready`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ReadinessStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum ReadyStatus {
    Ready,
}

/// The state of each part of the service: `ok`, or a description of the fault.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ServiceParts")]
struct Parts {
    /// Whether requests are taken.
    serving: String,
    /// Whether the database can be written.
    database: String,
    /// Whether the session log can be written.
    session_log: String,
    /// Whether no background task has panicked.
    tasks: String,
    /// Models whose circuit breaker is open. They don't affect readiness: another replica would find the model no
    /// better, and this one refuses at once, or calls another model.
    model: String,
}

/// Returns the response of a live process.
pub(super) fn alive() -> impl IntoResponse {
    Json(Live { status: LiveStatus::Alive })
}

/// Returns the response of a service that has not started. `state` says what it is doing, `outage` what it waits for.
pub(super) fn not_started(state: &str, outage: Option<Outage>) -> Problem {
    let problem = Problem::new(&requests::NOT_READY);
    let Some(Outage { part, code, state: fault }) = outage else {
        return problem.with_detail("parts", json!({ "serving": state }));
    };
    problem
        .with_sentence(format!("The server waits at its start: {}: {fault}", part.for_people()))
        .with_detail("parts", json!({ "serving": state, part.as_str(): fault }))
        .with_detail("reason", code.into())
}

pub(super) struct HealthApi;

#[OpenApi(prefix_path = "/api", tag = "Group::Health")]
impl HealthApi {
    /// Read the state of the service
    ///
    /// Calls no other system, so it can be polled often.
    #[oai(path = "/health", method = "get", operation_id = "getHealth")]
    async fn health(&self, Data(state): Data<&AppState>) -> Json<Health> {
        let (papita_queue_depth, papita_queue_dropped) = state.turns.queue(Destination::Papita);
        let (event_queue_depth, event_queue_dropped) = state.turns.queue(Destination::Events);
        let is_draining = state.turns.is_draining();
        Json(Health {
            status: if is_draining { HealthStatus::Stopping } else { HealthStatus::Healthy },
            timestamp: state.clock.rfc3339(state.clock.now()),
            openai_configured: state.credentials.can_call_model().await,
            demo_mode: state.credentials.demo_mode(),
            model: state.config.model.default.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: state.started.elapsed().as_secs(),
            papita_queue_depth,
            papita_queue_dropped,
            event_queue_depth,
            event_queue_dropped,
        })
    }

    /// Check whether the process is alive
    ///
    /// Returns 503 when the process cannot recover by itself and should be restarted.
    #[oai(path = "/health/live", method = "get", operation_id = "getLiveness")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn live(&self, Data(state): Data<&AppState>) -> Result<Json<Live>, NotAlive> {
        if state.log.is_alive() && state.storage.is_alive() {
            return Ok(Json(Live { status: LiveStatus::Alive }));
        }
        Err(Problem::new(&requests::NOT_ALIVE).into())
    }

    /// Check whether the service can take traffic
    ///
    /// Returns 503 while the service starts or stops, while the database or the session log cannot be written, or after a
    /// background task has panicked.
    #[oai(path = "/health/ready", method = "get", operation_id = "getReadiness")]
    async fn ready(&self, Data(state): Data<&AppState>) -> Result<Json<Ready>, NotReady> {
        let parts = Parts::of(state).await;
        if parts.are_ok() {
            return Ok(Json(Ready { status: ReadyStatus::Ready, parts }));
        }
        Err(Problem::new(&requests::NOT_READY).with_detail("parts", json!(parts)).into())
    }
}

impl Parts {
    /// The state of a part that works.
    const OK: &str = "ok";

    async fn of(state: &AppState) -> Self {
        let part = |ok: bool, otherwise: &str| if ok { Self::OK.to_owned() } else { otherwise.to_owned() };
        let check = tokio::time::timeout(DATABASE_TIMEOUT, state.storage.check());
        let database = state.storage.is_writable() && check.await.is_ok_and(|outcome| outcome.is_ok());
        let database = state
            .storage
            .file_loss()
            .map_or_else(|| part(database, "cannot be written"), |loss| loss.state().to_owned());
        let dead = state.tasks.panicked();
        let breakers = state.turns.breakers();
        let failing = breakers.iter().filter(|(_, state)| *state != BreakerState::Closed);
        let failing = failing.map(|(model, state)| format!("{model}: breaker {}", state.as_str())).collect::<Vec<_>>();
        Self {
            serving: part(!state.turns.is_draining(), "stopping"),
            database,
            session_log: part(state.log.ensure_writable().is_ok(), "cannot be written"),
            tasks: part(dead.is_empty(), &format!("died: {}", dead.join(", "))),
            model: part(failing.is_empty(), &failing.join(", ")),
        }
    }

    fn are_ok(&self) -> bool {
        [&self.serving, &self.database, &self.session_log, &self.tasks].iter().all(|part| *part == Self::OK)
    }
}

impl Example for Health {
    fn example() -> Self {
        Self {
            status: HealthStatus::Healthy,
            timestamp: "2026-11-21T09:30:00.417000+01:00".to_owned(),
            openai_configured: true,
            demo_mode: false,
            model: "gpt-4o-mini".to_owned(),
            version: "0.1.0".to_owned(),
            uptime_seconds: 86_400,
            papita_queue_depth: 0,
            papita_queue_dropped: 0,
            event_queue_depth: 0,
            event_queue_dropped: 0,
        }
    }
}

impl Example for Live {
    fn example() -> Self {
        Self { status: LiveStatus::Alive }
    }
}

impl Example for Ready {
    fn example() -> Self {
        let ok = || Parts::OK.to_owned();
        let parts = Parts { serving: ok(), database: ok(), session_log: ok(), tasks: ok(), model: ok() };
        Self { status: ReadyStatus::Ready, parts }
    }
}

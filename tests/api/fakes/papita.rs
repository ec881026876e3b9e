//! A fake Papita: clock out the model's API key and takes usage reports.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::model::Gate;
use super::{Answer, Body, Door, Host, JSON, Progress, Tally, read_json, respond_json, respond_text, status};

/// A handle to the fake; its clones share one server, which ends with the last.
///
/// It knows no key until the test says what to serve.
#[derive(Clone)]
pub struct FakePapita(Arc<Door<Papita>>);

#[derive(Default)]
struct Papita {
    manners: Mutex<Manners>,
    key_calls: Tally,
    usage_attempts: Tally,
    usage_accepted: Tally,
}

struct Manners {
    hanging: bool,
    held: Option<Gate>,
    credentials: (StatusCode, String),
    usage_status: StatusCode,
    accepted: Vec<Accepted>,
}

#[derive(Clone)]
struct Accepted {
    body: Value,
    idempotency_key: Option<String>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            hanging: false,
            held: None,
            credentials: (StatusCode::NOT_FOUND, not_found()),
            usage_status: StatusCode::OK,
            accepted: Vec::new(),
        }
    }
}

impl FakePapita {
    pub async fn start() -> Self {
        Self(Arc::new(Door::open(Papita::default()).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub fn serve_key(&self, key: &str) {
        let credentials = json!({"credentials": {"credentials": {"api_key": key}}});
        self.serve_body(200, credentials.to_string());
    }

    pub fn serve_body(&self, code: u16, body: String) {
        let mut manners = self.0.host.manners();
        manners.credentials = (status(code), body);
        manners.hanging = false;
    }

    /// The status of the answers to usage reports from now on.
    pub fn usage_status(&self, code: u16) {
        let mut manners = self.0.host.manners();
        manners.usage_status = status(code);
        manners.hanging = false;
    }

    /// Leaves every request unanswered from now on, until the test says anew
    /// what to serve or how to answer usage reports.
    pub fn hang(&self) {
        self.0.host.manners().hanging = true;
    }

    /// Holds calls for the key back until the gate opens; they are answered with what is served then.
    pub fn hold_key_calls(&self, gate: &Gate) {
        self.0.host.manners().held = Some(gate.clone());
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }

    pub fn key_calls(&self) -> usize {
        self.0.host.key_calls.count()
    }

    pub async fn wait_for_key_calls(&self, n: usize) {
        self.0.host.key_calls.wait_for(n, "calls for the key").await;
    }

    /// The usage reports answered with success, in order of arrival.
    pub fn usage(&self) -> Vec<Value> {
        let accepted = self.accepted().into_iter();
        accepted.map(|report| report.body).collect()
    }

    /// The `idempotency-key` header of each report in [`usage`](Self::usage).
    pub fn usage_keys(&self) -> Vec<Option<String>> {
        let accepted = self.accepted().into_iter();
        accepted.map(|report| report.idempotency_key).collect()
    }

    pub async fn wait_for_usage(&self, n: usize) {
        let accepted = &self.0.host.usage_accepted;
        accepted.wait_for(n, "accepted usage reports").await;
    }

    /// How many usage reports arrived, whatever their answer.
    pub fn usage_attempts(&self) -> usize {
        self.0.host.usage_attempts.count()
    }

    pub async fn wait_for_usage_attempts(&self, n: usize) {
        let attempts = &self.0.host.usage_attempts;
        attempts.wait_for(n, "attempts to report usage").await;
    }

    fn accepted(&self) -> Vec<Accepted> {
        self.0.host.manners().accepted.clone()
    }
}

impl Host for Papita {
    async fn receive(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let answer = match (request.method(), request.uri().path()) {
            (&Method::GET, "/api/credentials/global/openai") => self.hand_out_key().await,
            (&Method::POST, "/api/usage/log") => self.take_report(request).await?,
            _ => Some(respond_text(StatusCode::NOT_FOUND, JSON, not_found())),
        };
        match answer {
            Some(answer) => Ok(answer),
            None => pending().await,
        }
    }
}

impl Papita {
    async fn hand_out_key(&self) -> Option<Response<Body>> {
        self.key_calls.add_one();
        let held = self.manners().held.clone();
        if let Some(gate) = held {
            gate.pass().await;
        }
        let manners = self.manners();
        let (status, body) = manners.credentials.clone();
        (!manners.hanging).then(|| respond_text(status, JSON, body))
    }

    async fn take_report(&self, request: Request<Incoming>) -> io::Result<Option<Response<Body>>> {
        let key = request.headers().get("idempotency-key");
        let idempotency_key = key.and_then(|key| Some(key.to_str().ok()?.to_owned()));
        let body = read_json(request).await?;
        let answer = self.judge(Accepted { body, idempotency_key });
        self.usage_attempts.add_one();
        Ok(answer.map(|status| respond_json(status, &json!({"success": status.is_success()}))))
    }

    fn judge(&self, report: Accepted) -> Option<StatusCode> {
        let mut manners = self.manners();
        if manners.hanging {
            return None;
        }
        if manners.usage_status.is_success() {
            manners.accepted.push(report);
            self.usage_accepted.add_one();
        }
        Some(manners.usage_status)
    }

    fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().expect("Papita's manners")
    }
}

fn not_found() -> String {
    json!({"error": "not found"}).to_string()
}

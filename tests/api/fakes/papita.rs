//! A fake Papita: serves the model's API key and accepts usage records.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::model::Gate;
use super::{
    Answer, Body, Counter, FakeServer, Handler, JSON, Progress, read_json, respond_json, respond_text, status,
};

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
///
/// It answers 404 to requests for the key until the test sets a key or a body.
#[derive(Clone)]
pub struct FakePapita(Arc<FakeServer<Papita>>);

#[derive(Default)]
struct Papita {
    state: Mutex<State>,
    key_calls: Counter,
    ended_key_calls: Counter,
    usage_attempts: Counter,
    usage_accepted: Counter,
}

struct State {
    hanging: bool,
    held: Option<Gate>,
    credentials: (StatusCode, String),
    /// The keys by their names, and how often each was asked for; `openai` is not among them.
    named: HashMap<String, (String, usize)>,
    usage_status: StatusCode,
    /// The body of the responses to usage records that are not JSON; such records are not accepted.
    usage_page: Option<&'static str>,
    usage_delay: Duration,
    /// The status of the responses to the records of these users.
    status_of_user: HashMap<String, StatusCode>,
    /// The number of records that are being received, and its maximum.
    in_flight: usize,
    most_in_flight: usize,
    accepted: Vec<Accepted>,
}

#[derive(Clone)]
struct Accepted {
    body: Value,
    idempotency_key: Option<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            hanging: false,
            held: None,
            credentials: (StatusCode::NOT_FOUND, not_found()),
            named: HashMap::new(),
            usage_status: StatusCode::OK,
            usage_page: None,
            usage_delay: Duration::ZERO,
            status_of_user: HashMap::new(),
            in_flight: 0,
            most_in_flight: 0,
            accepted: Vec::new(),
        }
    }
}

impl State {
    /// Counts a record that has arrived, and returns the time until the response.
    fn begin_record(&mut self) -> Duration {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        self.usage_delay
    }
}

impl FakePapita {
    pub async fn start() -> Self {
        Self(Arc::new(FakeServer::start(Papita::default()).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub fn serve_key(&self, key: &str) {
        let credentials = json!({"credentials": {"credentials": {"api_key": key}}});
        self.serve_body(200, credentials.to_string());
    }

    /// Serves a key under another name than `openai`.
    pub fn serve_named_key(&self, name: &str, key: &str) {
        let mut state = self.0.handler.state();
        key.clone_into(&mut state.named.entry(name.to_owned()).or_default().0);
    }

    /// Returns how often a key that is served under another name than `openai` was asked for.
    pub fn named_key_calls(&self, name: &str) -> usize {
        self.0.handler.state().named[name].1
    }

    pub fn serve_body(&self, code: u16, body: String) {
        let mut state = self.0.handler.state();
        state.credentials = (status(code), body);
        state.hanging = false;
    }

    /// Sets the status of the responses to usage records.
    pub fn set_usage_status(&self, code: u16) {
        let mut state = self.0.handler.state();
        state.usage_status = status(code);
        state.usage_page = None;
        state.hanging = false;
    }

    /// Makes all responses to usage records this one, which is not Papita's.
    pub fn serve_usage_page(&self, code: u16, page: &'static str) {
        let mut state = self.0.handler.state();
        state.usage_status = status(code);
        state.usage_page = Some(page);
    }

    /// Sets the status of the responses to the usage records of one user.
    pub fn set_usage_status_of(&self, username: &str, code: u16) {
        self.0.handler.state().status_of_user.insert(username.to_owned(), status(code));
    }

    /// Delays the responses to usage records.
    pub fn set_usage_delay(&self, delay: Duration) {
        self.0.handler.state().usage_delay = delay;
    }

    /// Returns the largest number of usage records that arrived before the responses to them.
    pub fn most_usage_in_flight(&self) -> usize {
        self.0.handler.state().most_in_flight
    }

    /// Leaves every request unanswered until the test sets a key, a body or a status again.
    pub fn hang(&self) {
        self.0.handler.state().hanging = true;
    }

    /// Delays responses with the key until the gate opens.
    pub fn hold_key_calls(&self, gate: &Gate) {
        self.0.handler.state().held = Some(gate.clone());
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }

    pub fn key_calls(&self) -> usize {
        self.0.handler.key_calls.count()
    }

    /// Returns the number of requests for the key that were answered, or whose client has disconnected.
    pub fn ended_key_calls(&self) -> usize {
        self.0.handler.ended_key_calls.count()
    }

    pub async fn wait_for_key_calls(&self, n: usize) {
        self.0.handler.key_calls.wait_for(n, "requests for the key").await;
    }

    /// Returns the usage records that were answered with success, in order of arrival.
    pub fn usage(&self) -> Vec<Value> {
        let accepted = self.accepted().into_iter();
        accepted.map(|record| record.body).collect()
    }

    /// Returns the `idempotency-key` header of each record in [`usage`](Self::usage).
    pub fn usage_keys(&self) -> Vec<Option<String>> {
        let accepted = self.accepted().into_iter();
        accepted.map(|record| record.idempotency_key).collect()
    }

    pub async fn wait_for_usage(&self, n: usize) {
        let accepted = &self.0.handler.usage_accepted;
        accepted.wait_for(n, "accepted usage records").await;
    }

    /// Returns the number of usage records that arrived, whatever the response.
    pub fn usage_attempts(&self) -> usize {
        self.0.handler.usage_attempts.count()
    }

    pub async fn wait_for_usage_attempts(&self, n: usize) {
        let attempts = &self.0.handler.usage_attempts;
        attempts.wait_for(n, "attempts to send a usage record").await;
    }

    fn accepted(&self) -> Vec<Accepted> {
        self.0.handler.state().accepted.clone()
    }
}

impl Handler for Papita {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let answer = match (request.method(), request.uri().path()) {
            (&Method::GET, "/api/credentials/global/openai") => {
                let _call = KeyCall(&self.ended_key_calls);
                match self.serve_key().await {
                    Some(answer) => Some(answer),
                    None => pending().await,
                }
            }
            (&Method::GET, path) if path.starts_with("/api/credentials/global/") => {
                Some(self.serve_named(path.rsplit('/').next().unwrap_or_default()))
            }
            (&Method::POST, "/api/usage/log") => self.receive_record(request).await?,
            _ => Some(respond_text(StatusCode::NOT_FOUND, JSON, not_found())),
        };
        match answer {
            Some(answer) => Ok(answer),
            None => pending().await,
        }
    }
}

/// A request for the key, which is counted as ended when this is dropped.
struct KeyCall<'a>(&'a Counter);

impl Drop for KeyCall<'_> {
    fn drop(&mut self) {
        self.0.add_one();
    }
}

impl Papita {
    fn serve_named(&self, name: &str) -> Response<Body> {
        match self.state().named.get_mut(name) {
            Some((key, calls)) => {
                *calls += 1;
                respond_text(StatusCode::OK, JSON, json!({ "api_key": key }).to_string())
            }
            None => respond_text(StatusCode::NOT_FOUND, JSON, not_found()),
        }
    }

    async fn serve_key(&self) -> Option<Response<Body>> {
        self.key_calls.add_one();
        let held = self.state().held.clone();
        if let Some(gate) = held {
            gate.pass().await;
        }
        let state = self.state();
        let (status, body) = state.credentials.clone();
        (!state.hanging).then(|| respond_text(status, JSON, body))
    }

    async fn receive_record(&self, request: Request<Incoming>) -> io::Result<Option<Response<Body>>> {
        let key = request.headers().get("idempotency-key");
        let idempotency_key = key.and_then(|key| Some(key.to_str().ok()?.to_owned()));
        let body = read_json(request).await?;
        let delay = self.state().begin_record();
        sleep(delay).await;
        let answer = self.accept(Accepted { body, idempotency_key });
        self.usage_attempts.add_one();
        Ok(answer)
    }

    fn accept(&self, record: Accepted) -> Option<Response<Body>> {
        let mut state = self.state();
        state.in_flight -= 1;
        if state.hanging {
            return None;
        }
        let of_user = record.body["username"].as_str().and_then(|name| state.status_of_user.get(name).copied());
        let status = of_user.unwrap_or(state.usage_status);
        if let Some(page) = state.usage_page {
            return Some(respond_text(status, "text/html", page.to_owned()));
        }
        if status.is_success() {
            state.accepted.push(record);
            self.usage_accepted.add_one();
        }
        Some(respond_json(status, &json!({"success": status.is_success()})))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("Papita's state")
    }
}

fn not_found() -> String {
    json!({"error": "not found"}).to_string()
}

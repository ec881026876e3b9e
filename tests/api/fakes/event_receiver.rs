//! A fake receiver of events, which verifies their signatures.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, StatusCode};
use ring::hmac;
use serde_json::Value;

use super::{Answer, Counter, FakeServer, Handler, JSON, Progress, respond_text, status};

/// The secret that signs the events.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// An event that was accepted.
#[derive(Clone, Debug)]
pub struct Received {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub seconds: i64,
    /// The body.
    pub body: Value,
}

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
#[derive(Clone)]
pub struct EventReceiver(Arc<FakeServer<Receiver>>);

struct Receiver {
    /// The secret that signs the events.
    secret: String,
    state: Mutex<State>,
    attempts: Counter,
    accepted: Counter,
}

struct State {
    hanging: bool,
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The status of the responses to the events of these sessions.
    status_of_session: HashMap<String, StatusCode>,
    received: Vec<Received>,
    paths: Vec<String>,
    attempted_at: Vec<Instant>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            hanging: false,
            status: StatusCode::NO_CONTENT,
            headers: Vec::new(),
            body: String::new(),
            status_of_session: HashMap::new(),
            received: Vec::new(),
            paths: Vec::new(),
            attempted_at: Vec::new(),
        }
    }
}

impl EventReceiver {
    pub async fn start() -> Self {
        Self::start_with_secret(SECRET).await
    }

    /// Starts a receiver whose events are signed by this secret.
    pub async fn start_with_secret(secret: &str) -> Self {
        let (state, attempts, accepted) = Default::default();
        let receiver = Receiver { secret: secret.to_owned(), state, attempts, accepted };
        Self(Arc::new(FakeServer::start(receiver).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}/events?from=chat", self.0.address)
    }

    /// Returns the settings of a service that sends its events here.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("EVENTS_URL", self.url()), ("EVENTS_SECRET", self.0.handler.secret.clone())]
    }

    /// Sets the status of the responses.
    pub fn set_status(&self, code: u16) {
        self.answer_with(code, Vec::new(), String::new());
    }

    /// Sets the responses.
    pub fn answer_with(&self, code: u16, headers: Vec<(&'static str, String)>, body: String) {
        let mut state = self.0.handler.state();
        (state.status, state.headers, state.body, state.hanging) = (status(code), headers, body, false);
    }

    /// Answers with a redirect to this address.
    pub fn redirect_to(&self, location: &str) {
        self.answer_with(307, vec![("location", location.to_owned())], String::new());
    }

    /// Sets the status of the responses to the events of one session.
    pub fn set_status_of(&self, session: &str, code: u16) {
        self.0.handler.state().status_of_session.insert(session.to_owned(), status(code));
    }

    /// Leaves every request unanswered until the test sets a status.
    pub fn hang(&self) {
        self.0.handler.state().hanging = true;
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }

    /// Returns the events that were answered with success, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.0.handler.state().received.clone()
    }

    /// Returns the bodies of these events.
    pub fn bodies(&self) -> Vec<Value> {
        self.received().into_iter().map(|event| event.body).collect()
    }

    /// Returns the paths that were requested.
    pub fn paths(&self) -> Vec<String> {
        self.0.handler.state().paths.clone()
    }

    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        self.0.handler.accepted.wait_for(n, "accepted events").await;
        self.received()
    }

    /// Returns the number of events that arrived, whatever the response.
    pub fn attempts(&self) -> usize {
        self.0.handler.attempts.count()
    }

    /// Returns the times at which events arrived, whatever the response.
    pub fn attempted_at(&self) -> Vec<Instant> {
        self.0.handler.state().attempted_at.clone()
    }

    pub async fn wait_for_attempts(&self, n: usize) {
        self.0.handler.attempts.wait_for(n, "attempts to send an event").await;
    }
}

impl Handler for Receiver {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let arrived_at = Instant::now();
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let event = self.verified(&head.headers, &body);
        let answer = {
            let mut state = self.state();
            state.paths.push(path);
            state.attempted_at.push(arrived_at);
            let session = event.body["data"]["session_id"].as_str().unwrap_or_default();
            let status = state.status_of_session.get(session).copied().unwrap_or(state.status);
            if status.is_success() && !state.hanging {
                state.received.push(event);
                self.accepted.add_one();
            }
            let mut answer = respond_text(status, JSON, state.body.clone());
            for (name, value) in &state.headers {
                answer.headers_mut().insert(*name, value.parse().expect("a header"));
            }
            (!state.hanging).then_some(answer)
        };
        self.attempts.add_one();
        match answer {
            Some(answer) => Ok(answer),
            None => pending().await,
        }
    }
}

impl Receiver {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the receiver's state")
    }

    /// Verifies the signature of an event as the specification describes it.
    fn verified(&self, headers: &HeaderMap, body: &[u8]) -> Received {
        let header = |name: &str| headers[name].to_str().expect("a text").to_owned();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        assert_eq!(header("content-type"), "application/json");
        assert!(!id.contains('.'), "{id}");
        let key = BASE64_STANDARD.decode(self.secret.trim_start_matches("whsec_")).expect("base64");
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let right = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        let right = format!("v1,{}", BASE64_STANDARD.encode(right));
        let signatures = header("webhook-signature");
        assert!(signatures.split(' ').any(|signature| signature == right), "{signatures} of {id}");
        let body = serde_json::from_slice(body).expect("JSON");
        Received { id, seconds: timestamp.parse().expect("seconds"), body }
    }
}

//! A fake receiver of events, which verifies their signatures.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

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

#[derive(Default)]
struct Receiver {
    state: Mutex<State>,
    attempts: Counter,
    accepted: Counter,
}

struct State {
    hanging: bool,
    status: StatusCode,
    location: Option<String>,
    /// The status of the responses to the events of these sessions.
    status_of_session: HashMap<String, StatusCode>,
    received: Vec<Received>,
    paths: Vec<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            hanging: false,
            status: StatusCode::NO_CONTENT,
            location: None,
            status_of_session: HashMap::new(),
            received: Vec::new(),
            paths: Vec::new(),
        }
    }
}

impl EventReceiver {
    pub async fn start() -> Self {
        Self(Arc::new(FakeServer::start(Receiver::default()).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}/events?from=chat", self.0.address)
    }

    /// Returns the settings of a service that sends its events here.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("EVENTS_URL", self.url()), ("EVENTS_SECRET", SECRET.to_owned())]
    }

    /// Sets the status of the responses.
    pub fn set_status(&self, code: u16) {
        let mut state = self.0.handler.state();
        (state.status, state.hanging) = (status(code), false);
    }

    /// Answers with a redirect to this address.
    pub fn redirect_to(&self, location: &str) {
        self.set_status(307);
        self.0.handler.state().location = Some(location.to_owned());
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

    pub async fn wait_for_attempts(&self, n: usize) {
        self.0.handler.attempts.wait_for(n, "attempts to send an event").await;
    }
}

impl Handler for Receiver {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let event = verified(&head.headers, &body);
        let answer = {
            let mut state = self.state();
            state.paths.push(path);
            let session = event.body["data"]["session_id"].as_str().unwrap_or_default();
            let status = state.status_of_session.get(session).copied().unwrap_or(state.status);
            if status.is_success() && !state.hanging {
                state.received.push(event);
                self.accepted.add_one();
            }
            let mut answer = respond_text(status, JSON, String::new());
            if let Some(location) = &state.location {
                answer.headers_mut().insert("location", location.parse().expect("a location"));
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
}

/// Verifies the signature of an event as the specification describes it.
fn verified(headers: &HeaderMap, body: &[u8]) -> Received {
    let header = |name: &str| headers[name].to_str().expect("a text").to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(header("content-type"), "application/json");
    assert!(!id.contains('.'), "{id}");
    let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("base64");
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let right = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
    let right = format!("v1,{}", BASE64_STANDARD.encode(right));
    let signatures = header("webhook-signature");
    assert!(signatures.split(' ').any(|signature| signature == right), "{signatures} of {id}");
    let body = serde_json::from_slice(body).expect("JSON");
    Received { id, seconds: timestamp.parse().expect("seconds"), body }
}

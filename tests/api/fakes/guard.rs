//! A fake guard, which judges texts by a function of the test or fails as the test sets.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, HeaderValue, LOCATION};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::model::Gate;
use super::{
    Answer, Counter, FakeServer, Handler, JSON, Progress, read_json, respond, respond_json, respond_text, status,
};

type Judge = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// The way in which the guard answers.
#[derive(Clone)]
pub enum GuardBehaviour {
    /// The verdict of a function of the request.
    Judge(Judge),
    /// The same, but texts of this kind only after the gate opens.
    Held(Gate, &'static str, Judge),
    /// This text as JSON, with this status.
    Respond(u16, String),
    /// A redirect to an address of the guard that passes every text.
    Redirect,
    /// No byte, on an open connection.
    Silent,
    /// Headers and half of a verdict, then no further byte.
    StallAfterHeaders,
    /// A closed connection without a byte of response.
    CloseImmediately,
}

impl GuardBehaviour {
    pub fn judge(judge: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::Judge(Arc::new(judge))
    }

    pub fn held(gate: &Gate, kind: &'static str, judge: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::Held(gate.clone(), kind, Arc::new(judge))
    }
}

/// Returns the verdict that lets a text pass.
pub fn pass() -> Value {
    json!({ "verdict": "pass" })
}

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
#[derive(Clone)]
pub struct FakeGuard(Arc<FakeServer<Guard>>);

struct Guard {
    behaviour: Mutex<GuardBehaviour>,
    /// The requests, each with its `Authorization` header.
    requests: Mutex<Vec<(Value, Option<String>)>>,
    calls: Counter,
}

impl FakeGuard {
    /// Starts a guard that passes every text.
    pub async fn start() -> Self {
        Self::judging(|_| pass()).await
    }

    /// Starts a guard that judges by this function of the request.
    pub async fn judging(judge: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let behaviour = Mutex::new(GuardBehaviour::judge(judge));
        let (requests, calls) = (Mutex::default(), Counter::default());
        Self(Arc::new(FakeServer::start(Guard { behaviour, requests, calls }).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}/judge", self.0.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn behave(&self, behaviour: GuardBehaviour) {
        *self.0.handler.behaviour() = behaviour;
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.0.handler.requests().iter().map(|(body, _)| body.clone()).collect()
    }

    /// Returns the `Authorization` headers of the requests so far.
    pub fn tokens(&self) -> Vec<Option<String>> {
        self.0.handler.requests().iter().map(|(_, token)| token.clone()).collect()
    }

    pub async fn wait_for_requests(&self, n: usize) {
        self.0.handler.calls.wait_for(n, "requests to the guard").await;
    }

    /// Waits until `n` clients have disconnected before the end of their response.
    pub async fn wait_for_disconnects(&self, n: usize) {
        self.0.wait_for_disconnects(n, "the guard").await;
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }
}

impl Guard {
    fn behaviour(&self) -> MutexGuard<'_, GuardBehaviour> {
        self.behaviour.lock().expect("the behaviour's lock")
    }

    fn requests(&self) -> MutexGuard<'_, Vec<(Value, Option<String>)>> {
        self.requests.lock().expect("the requests' lock")
    }
}

impl Handler for Guard {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let is_post = request.method() == Method::POST;
        let path = request.uri().path().to_owned();
        let token = request.headers().get(AUTHORIZATION).and_then(|token| token.to_str().ok()).map(str::to_owned);
        let body = read_json(request).await?;
        self.requests().push((body.clone(), token));
        self.calls.add_one();
        if !is_post || path == "/moved" {
            return Ok(respond_json(StatusCode::OK, &pass()));
        }
        let behaviour = self.behaviour().clone();
        match behaviour {
            GuardBehaviour::Judge(judge) => Ok(respond_json(StatusCode::OK, &judge(&body))),
            GuardBehaviour::Held(gate, kind, judge) => {
                if body["kind"] == kind {
                    gate.pass().await;
                }
                Ok(respond_json(StatusCode::OK, &judge(&body)))
            }
            GuardBehaviour::Respond(code, text) => Ok(respond_text(status(code), JSON, text)),
            GuardBehaviour::Redirect => {
                let mut response = respond_json(StatusCode::TEMPORARY_REDIRECT, &pass());
                response.headers_mut().insert(LOCATION, HeaderValue::from_static("/moved"));
                Ok(response)
            }
            GuardBehaviour::Silent => std::future::pending().await,
            GuardBehaviour::StallAfterHeaders => {
                let beginning = Ok(Frame::data(Bytes::from_static(b"{\"verdict\":")));
                let body = StreamBody::new(stream::iter([beginning]).chain(stream::pending()));
                Ok(respond(StatusCode::OK, JSON, body.boxed_unsync()))
            }
            GuardBehaviour::CloseImmediately => Err(io::Error::other("the guard closes the connection")),
        }
    }
}

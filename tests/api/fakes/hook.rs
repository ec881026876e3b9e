//! A fake hook, a guard or a context hook, which answers by a function of the test or fails as the test sets.

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

type AnswerFunction = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// The way in which the hook answers.
#[derive(Clone)]
pub enum HookBehaviour {
    /// What a function of the request returns.
    Answer(AnswerFunction),
    /// The same, but texts of this kind only after the gate opens.
    Held(Gate, &'static str, AnswerFunction),
    /// This text as JSON, with this status.
    Respond(u16, String),
    /// A redirect to an address of the hook that passes every text.
    Redirect,
    /// No byte, on an open connection.
    Silent,
    /// Headers and the beginning of an answer, then no further byte.
    StallAfterHeaders,
    /// A closed connection without a byte of response.
    CloseImmediately,
}

impl HookBehaviour {
    pub fn answer(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::Answer(Arc::new(answer))
    }

    pub fn held(gate: &Gate, kind: &'static str, answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::Held(gate.clone(), kind, Arc::new(answer))
    }
}

/// Returns the verdict of a guard that lets a text pass.
pub fn pass() -> Value {
    json!({ "verdict": "pass" })
}

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
#[derive(Clone)]
pub struct FakeHook(Arc<FakeServer<Hook>>);

struct Hook {
    behaviour: Mutex<HookBehaviour>,
    /// The requests, each with its `Authorization` header.
    requests: Mutex<Vec<(Value, Option<String>)>>,
    /// The `traceparent` headers of the requests.
    trace_parents: Mutex<Vec<Option<String>>>,
    calls: Counter,
}

impl FakeHook {
    /// Starts a guard that passes every text.
    pub async fn start() -> Self {
        Self::answering(|_| pass()).await
    }

    /// Starts a hook that answers by this function of the request.
    pub async fn answering(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let behaviour = Mutex::new(HookBehaviour::answer(answer));
        let (requests, trace_parents, calls) = (Mutex::default(), Mutex::default(), Counter::default());
        Self(Arc::new(FakeServer::start(Hook { behaviour, requests, trace_parents, calls }).await))
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.0.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn behave(&self, behaviour: HookBehaviour) {
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

    /// Returns the `traceparent` headers of the requests so far.
    pub fn trace_parents(&self) -> Vec<Option<String>> {
        self.0.handler.trace_parents.lock().expect("the headers' lock").clone()
    }

    pub async fn wait_for_requests(&self, n: usize) {
        self.0.handler.calls.wait_for(n, "requests to the hook").await;
    }

    /// Waits until `n` clients have disconnected before the end of their response.
    pub async fn wait_for_disconnects(&self, n: usize) {
        self.0.wait_for_disconnects(n, "the hook").await;
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }
}

impl Hook {
    fn behaviour(&self) -> MutexGuard<'_, HookBehaviour> {
        self.behaviour.lock().expect("the behaviour's lock")
    }

    fn requests(&self) -> MutexGuard<'_, Vec<(Value, Option<String>)>> {
        self.requests.lock().expect("the requests' lock")
    }
}

impl Handler for Hook {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        let is_post = request.method() == Method::POST;
        let path = request.uri().path().to_owned();
        let header = |name: &str| request.headers().get(name).and_then(|text| text.to_str().ok()).map(str::to_owned);
        let (token, trace_parent) = (header(AUTHORIZATION.as_str()), header("traceparent"));
        self.trace_parents.lock().expect("the headers' lock").push(trace_parent);
        let body = read_json(request).await?;
        self.requests().push((body.clone(), token));
        self.calls.add_one();
        if !is_post || path == "/moved" {
            return Ok(respond_json(StatusCode::OK, &pass()));
        }
        let behaviour = self.behaviour().clone();
        match behaviour {
            HookBehaviour::Answer(answer) => Ok(respond_json(StatusCode::OK, &answer(&body))),
            HookBehaviour::Held(gate, kind, answer) => {
                if body["kind"] == kind {
                    gate.pass().await;
                }
                Ok(respond_json(StatusCode::OK, &answer(&body)))
            }
            HookBehaviour::Respond(code, text) => Ok(respond_text(status(code), JSON, text)),
            HookBehaviour::Redirect => {
                let mut response = respond_json(StatusCode::TEMPORARY_REDIRECT, &pass());
                response.headers_mut().insert(LOCATION, HeaderValue::from_static("/moved"));
                Ok(response)
            }
            HookBehaviour::Silent => std::future::pending().await,
            HookBehaviour::StallAfterHeaders => {
                let beginning = Ok(Frame::data(Bytes::from_static(b"{\"verdict\":")));
                let body = StreamBody::new(stream::iter([beginning]).chain(stream::pending()));
                Ok(respond(StatusCode::OK, JSON, body.boxed_unsync()))
            }
            HookBehaviour::CloseImmediately => Err(io::Error::other("the hook closes the connection")),
        }
    }
}

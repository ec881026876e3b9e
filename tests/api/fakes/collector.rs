//! A fake OpenTelemetry collector, which decodes the spans that it gets, or fails as the test sets.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use prost::Message;
use serde_json::{Value, json};

use super::{Answer, Counter, FakeServer, Handler, Progress, respond_text, status};

/// The way in which the collector answers.
#[derive(Clone)]
pub enum CollectorBehaviour {
    /// It takes all spans.
    Take,
    /// This text, with this status.
    Respond(u16, String),
    /// It takes all spans but so many.
    Reject(i64),
    /// No byte, on an open connection.
    Silent,
    /// A closed connection without a byte of response.
    CloseImmediately,
}

/// A span that the collector has taken.
#[derive(Clone, Debug)]
pub struct TakenSpan {
    pub trace_id: String,
    pub id: String,
    pub parent: String,
    pub trace_state: String,
    pub name: String,
    /// The attributes as JSON.
    pub attributes: Value,
    /// The attributes of the resource as JSON.
    pub resource: Value,
    /// Whether the status is that of an error.
    pub has_failed: bool,
    /// Start and end in nanoseconds.
    pub time: (u64, u64),
}

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
#[derive(Clone)]
pub struct FakeCollector(Arc<FakeServer<Collector>>);

struct Collector {
    behaviour: Mutex<CollectorBehaviour>,
    spans: Mutex<Vec<TakenSpan>>,
    headers: Mutex<Vec<HeaderMap>>,
    posts: Counter,
    taken: Counter,
}

impl FakeCollector {
    /// Starts a collector that takes all spans.
    pub async fn start() -> Self {
        Self(Arc::new(
            FakeServer::start(Collector {
                behaviour: Mutex::new(CollectorBehaviour::Take),
                spans: Mutex::default(),
                headers: Mutex::default(),
                posts: Counter::default(),
                taken: Counter::default(),
            })
            .await,
        ))
    }

    /// Returns the address for all kinds of telemetry.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub fn behave(&self, behaviour: CollectorBehaviour) {
        *self.0.handler.behaviour.lock().expect("the behaviour's lock") = behaviour;
    }

    /// Returns the spans so far.
    pub fn spans(&self) -> Vec<TakenSpan> {
        self.0.handler.spans().clone()
    }

    /// Waits until `n` spans with this name were taken, and returns all spans so far.
    pub async fn wait_for(&self, n: usize, name: &str) -> Vec<TakenSpan> {
        for posts in 1.. {
            let spans = self.spans();
            if spans.iter().filter(|span| span.name == name).count() >= n {
                return spans;
            }
            assert!(posts < 100, "{n} spans with the name {name} in many posts");
            self.0.handler.taken.wait_for(posts, "posts to the collector that it has taken").await;
        }
        unreachable!("the loop has no end")
    }

    /// Waits until there were `n` posts, whatever the answers.
    pub async fn wait_for_posts(&self, n: usize) {
        self.0.handler.posts.wait_for(n, "posts to the collector").await;
    }

    /// Returns the headers of the posts so far.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.0.handler.headers.lock().expect("the headers' lock").clone()
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }
}

impl Collector {
    fn spans(&self) -> MutexGuard<'_, Vec<TakenSpan>> {
        self.spans.lock().expect("the spans' lock")
    }

    fn take(&self, body: &[u8]) {
        let request = ExportTraceServiceRequest::decode(body).expect("a request in protobuf");
        for of_resource in request.resource_spans {
            let resource = attributes(&of_resource.resource.expect("a resource").attributes);
            for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
                self.spans().push(TakenSpan {
                    trace_id: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    trace_state: span.trace_state,
                    name: span.name,
                    attributes: attributes(&span.attributes),
                    resource: resource.clone(),
                    has_failed: span.status.is_some_and(|status| status.code == 2),
                    time: (span.start_time_unix_nano, span.end_time_unix_nano),
                });
            }
        }
        self.taken.add_one();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn attributes(pairs: &[KeyValue]) -> Value {
    pairs.iter().map(|pair| (pair.key.clone(), json_of(pair.value.as_ref()))).collect()
}

fn json_of(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(value)) => json!(value),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|value| json_of(Some(value))).collect(),
        _ => Value::Null,
    }
}

impl Handler for Collector {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: Arc<Progress>) -> Answer {
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/v1/traces"));
        assert_eq!(request.headers()["content-type"], "application/x-protobuf");
        self.headers.lock().expect("the headers' lock").push(request.headers().clone());
        let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        self.posts.add_one();
        let behaviour = self.behaviour.lock().expect("the behaviour's lock").clone();
        let protobuf = |text: &str| respond_text(StatusCode::OK, "application/x-protobuf", text.to_owned());
        match behaviour {
            CollectorBehaviour::Take => {
                self.take(&body);
                Ok(protobuf(""))
            }
            CollectorBehaviour::Respond(code, text) => Ok(respond_text(status(code), "text/html", text)),
            CollectorBehaviour::Reject(spans) => {
                self.take(&body);
                // Field 1 is the partial success, whose field 1 is the number of rejected spans.
                let number = char::from(u8::try_from(spans).expect("a small number"));
                Ok(protobuf(&format!("\n\u{2}\u{8}{number}")))
            }
            CollectorBehaviour::Silent => std::future::pending().await,
            CollectorBehaviour::CloseImmediately => Err(io::Error::other("the collector closes the connection")),
        }
    }
}

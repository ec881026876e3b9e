//! A fake OpenAI-compatible model: chat completions, whole or streamed.

use std::collections::{HashSet, VecDeque};
use std::future::pending;
use std::io;
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{Answer, Body, Door, Host, JSON, Tally, read_json, respond, respond_json, respond_text, status};

/// What the model does with a chat completion it was rightly asked for.
#[derive(Clone)]
pub enum Behaviour {
    Answer(Reply),
    /// Answers with the last user message; a token is a word.
    Echo,
    /// Waits before the headers.
    Later(Duration, Box<Behaviour>),
    /// Waits for the gate to open, then answers like `Echo`.
    Held(Gate),
    /// Takes the request and never sends a byte.
    Silent,
    /// Headers and half of the body, then silence.
    StallAfterHeaders,
    /// Headers that promise the whole body, half of it, then the end.
    CutOff,
    /// Closes the connection without a byte of response.
    CloseAtOnce,
    Refuse {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// A success with this text as HTML.
    Junk(String),
    /// A success with the first so many bytes of an endless JSON string.
    Huge(usize),
}

#[derive(Clone)]
pub struct Reply {
    pub text: String,
    pub prompt_tokens: usize,
    pub completion_tokens: usize,
    pub finish_reason: String,
    pub with_usage: bool,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            text: "Hello from the fake model.".into(),
            prompt_tokens: 12,
            completion_tokens: 6,
            finish_reason: "stop".into(),
            with_usage: true,
        }
    }
}

/// Holds answers back until it opens; clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        let mut changes = self.0.subscribe();
        let opened = changes.wait_for(|open| *open).await;
        opened.expect("a gate that outlives its wait");
    }
}

/// A chat completion the model was asked for, whatever came of it.
#[derive(Clone, Debug)]
pub struct Call {
    pub bearer: Option<String>,
    pub body: Value,
}

/// A handle to the fake; its clones share one server, which ends with the last.
#[derive(Clone)]
pub struct FakeModel(Arc<Door<Model>>);

impl FakeModel {
    /// Takes any key or none, and answers with the default [`Reply`].
    pub async fn start() -> Self {
        Self(Arc::new(Door::open(Model::default()).await))
    }

    /// Counts calls but keeps none, as a long benchmark needs.
    pub fn without_recording(self) -> Self {
        self.0.host.manners().record = None;
        self
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.0.address)
    }

    pub fn accept_any_key(&self) {
        self.0.host.manners().keys = None;
    }

    pub fn accept_only(&self, keys: &[&str]) {
        let keys = keys.iter().map(ToString::to_string).collect();
        self.0.host.manners().keys = Some(keys);
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.0.host.manners().standing = Arc::new(behaviour);
    }

    /// Queues a behaviour for one call with a good key, before the standing one.
    pub fn once(&self, behaviour: Behaviour) {
        let mut manners = self.0.host.manners();
        manners.queued.push_back(Arc::new(behaviour));
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }

    pub fn calls(&self) -> Vec<Call> {
        let record = self.0.host.manners().record.clone();
        record.expect("a model that records its calls")
    }

    pub fn call_count(&self) -> usize {
        self.0.host.calls.count()
    }

    pub async fn wait_for_calls(&self, n: usize) {
        self.0.host.calls.wait_for(n, "calls of the model").await;
    }

    /// How often a client left before its answer was complete.
    pub fn departures(&self) -> usize {
        self.0.visits.departures.count()
    }

    pub async fn wait_for_departures(&self, n: usize) {
        let departures = &self.0.visits.departures;
        departures.wait_for(n, "departures from the model").await;
    }
}

#[derive(Default)]
struct Model {
    manners: Mutex<Manners>,
    calls: Tally,
}

struct Manners {
    keys: Option<HashSet<String>>,
    standing: Arc<Behaviour>,
    queued: VecDeque<Arc<Behaviour>>,
    record: Option<Vec<Call>>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            keys: None,
            standing: Arc::new(Behaviour::Answer(Reply::default())),
            queued: VecDeque::new(),
            record: Some(Vec::new()),
        }
    }
}

impl Manners {
    fn admits(&self, bearer: Option<&str>) -> bool {
        let Some(keys) = &self.keys else { return true };
        bearer.is_some_and(|key| keys.contains(key))
    }

    fn next(&mut self) -> Arc<Behaviour> {
        let queued = self.queued.pop_front();
        queued.unwrap_or_else(|| self.standing.clone())
    }
}

impl Host for Model {
    async fn receive(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let bearer = bearer(request.headers());
        let bearer = bearer.as_deref();
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/chat/completions") => self.complete(bearer, request).await,
            (&Method::GET, "/v1/models") => Ok(self.list(bearer)),
            _ => {
                let error = error("Unknown request URL.", "unknown_url");
                Ok(respond_json(StatusCode::NOT_FOUND, &error))
            }
        }
    }
}

impl Model {
    async fn complete(&self, bearer: Option<&str>, request: Request<Incoming>) -> Answer {
        let asked = read_json(request).await?;
        match self.admit(bearer, &asked) {
            Some(behaviour) => act(&behaviour, &asked).await,
            None => Ok(wrong_key(bearer)),
        }
    }

    /// Records the call, then finds what to do with it: nothing for a bad key.
    fn admit(&self, bearer: Option<&str>, asked: &Value) -> Option<Arc<Behaviour>> {
        let mut manners = self.manners();
        if let Some(record) = &mut manners.record {
            record.push(Call { bearer: bearer.map(str::to_owned), body: asked.clone() });
        }
        let behaviour = manners.admits(bearer).then(|| manners.next());
        drop(manners);
        self.calls.add_one();
        behaviour
    }

    fn list(&self, bearer: Option<&str>) -> Response<Body> {
        if !self.manners().admits(bearer) {
            return wrong_key(bearer);
        }
        let models = json!([{"id": "gpt-4o-mini", "object": "model"}]);
        respond_json(StatusCode::OK, &json!({"object": "list", "data": models}))
    }

    fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().expect("the model's manners")
    }
}

async fn act(behaviour: &Behaviour, asked: &Value) -> Answer {
    Ok(match behaviour {
        Behaviour::Answer(reply) => answer(reply, asked),
        Behaviour::Echo => answer(&echo(asked), asked),
        Behaviour::Later(pause, then) => {
            sleep(*pause).await;
            Box::pin(act(then, asked)).await?
        }
        Behaviour::Held(gate) => {
            gate.pass().await;
            answer(&echo(asked), asked)
        }
        Behaviour::Silent => pending().await,
        Behaviour::StallAfterHeaders => half(asked, stream::pending()),
        Behaviour::CutOff => half(asked, break_off()),
        Behaviour::CloseAtOnce => return Err(io::ErrorKind::ConnectionAborted.into()),
        Behaviour::Refuse { status, headers, body } => refuse(*status, headers, body),
        Behaviour::Junk(text) => respond_text(StatusCode::OK, "text/html", text.clone()),
        Behaviour::Huge(size) => respond(StatusCode::OK, JSON, endless(*size)),
    })
}

fn answer(reply: &Reply, asked: &Value) -> Response<Body> {
    if asked["stream"] == true {
        let events = streamed(stream::iter(events(reply, asked)).map(Ok));
        respond(StatusCode::OK, "text/event-stream; charset=utf-8", events)
    } else {
        respond_json(StatusCode::OK, &completion(reply, asked))
    }
}

fn echo(asked: &Value) -> Reply {
    let messages = asked["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let mut latest_first = messages.iter().rev();
    let last = latest_first.find(|message| message["role"] == "user");
    let text = last.map_or("", text_of).to_owned();
    Reply {
        prompt_tokens: messages.iter().map(|message| words(text_of(message))).sum(),
        completion_tokens: words(&text),
        text,
        ..Reply::default()
    }
}

fn text_of(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn half(asked: &Value, ending: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response<Body> {
    let body = Bytes::from(completion(&Reply::default(), asked).to_string());
    let half = Ok(body.slice(..body.len() / 2));
    let halved = streamed(stream::iter([half]).chain(ending));
    let mut response = respond(StatusCode::OK, JSON, halved);
    let promised = HeaderValue::from(body.len());
    response.headers_mut().insert(CONTENT_LENGTH, promised);
    response
}

/// Fails one poll late, so that what was sent before gets flushed.
fn break_off() -> impl Stream<Item = io::Result<Bytes>> {
    stream::once(async {
        yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    })
}

fn refuse(code: u16, headers: &[(&'static str, String)], body: &str) -> Response<Body> {
    let mut response = respond_text(status(code), JSON, body.to_owned());
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header's value");
        response.headers_mut().insert(*name, value);
    }
    response
}

fn endless(size: usize) -> Body {
    let start = Bytes::from_static(br#"{"choices":[{"index":0,"message":{"content":""#);
    let filler = Bytes::from_static(&[b'a'; 16 * 1024]);
    let pieces = iter::once(start).chain(iter::repeat(filler));
    let pieces = pieces.scan(size, |left, mut piece| {
        piece.truncate(*left);
        *left -= piece.len();
        (!piece.is_empty()).then_some(Ok(piece))
    });
    streamed(stream::iter(pieces))
}

fn streamed(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

fn completion(reply: &Reply, asked: &Value) -> Value {
    let message = json!({"role": "assistant", "content": reply.text, "refusal": null});
    let choice = choice("message", &message, &json!(reply.finish_reason));
    let mut completion = envelope("chat.completion", asked, &json!([choice]));
    if reply.with_usage {
        completion["usage"] = usage(reply);
    }
    completion
}

fn events(reply: &Reply, asked: &Value) -> Vec<Bytes> {
    let delta = |delta, finish| json!([choice("delta", &delta, &finish)]);
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    let pieces = reply.text.split_inclusive(char::is_whitespace);
    let mut choices = vec![delta(role, Value::Null)];
    choices.extend(pieces.map(|piece| delta(json!({"content": piece}), Value::Null)));
    choices.push(delta(json!({}), json!(reply.finish_reason)));

    let chunk = |choices| envelope("chat.completion.chunk", asked, &choices);
    let mut chunks: Vec<Value> = choices.into_iter().map(chunk).collect();
    if reply.with_usage && asked["stream_options"]["include_usage"] == true {
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        chunks.push(chunk(json!([])));
        chunks.last_mut().expect("the chunk just pushed")["usage"] = usage(reply);
    }
    let data = chunks.iter().map(Value::to_string);
    let data = data.chain(["[DONE]".to_owned()]);
    data.map(|data| format!("data: {data}\n\n").into()).collect()
}

fn choice(kind: &str, content: &Value, finish_reason: &Value) -> Value {
    json!({"index": 0, kind: content, "logprobs": null, "finish_reason": finish_reason})
}

fn envelope(object: &str, asked: &Value, choices: &Value) -> Value {
    let model = asked["model"].as_str().unwrap_or_default();
    json!({
        "id": "chatcmpl-BfakeFakeFakeFakeFakeFakeFake",
        "object": object,
        "created": 1_752_000_000,
        "model": format!("{model}-2024-07-18"),
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
        "choices": choices,
    })
}

fn usage(reply: &Reply) -> Value {
    json!({
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

/// Says the whole key back, where OpenAI masks it: AL-Chat must not pass it on.
fn wrong_key(bearer: Option<&str>) -> Response<Body> {
    let key = bearer.unwrap_or_default();
    let message = format!("Incorrect API key provided: {key}.");
    let error = error(&message, "invalid_api_key");
    respond_json(StatusCode::UNAUTHORIZED, &error)
}

fn error(message: &str, code: &str) -> Value {
    let kind = "invalid_request_error";
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

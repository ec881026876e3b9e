//! A fake OpenAI-compatible model server: chat completions, whole or streamed.

use std::collections::{HashSet, VecDeque};
use std::fmt::Display;
use std::future::pending;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{
    Answer, Body, Counter, FakeServer, Handler, JSON, Progress, Sent, read_json, respond, respond_json, respond_text,
    status, wait_for,
};

/// The response to a chat completion request with an accepted key.
#[derive(Clone)]
pub enum Behaviour {
    /// This reply.
    Answer(Reply),
    /// The last user message; each word counts as a token.
    Echo,
    /// The pieces of the script.
    Stream(Script),
    /// An endless stream that repeats this piece as fast as the client reads.
    Endless(String),
    /// A whole answer, even if the request wants a stream.
    IgnoreStream(Reply),
    /// Another behaviour after a pause before the headers.
    Delayed(Duration, Box<Behaviour>),
    /// The same as `Echo`, after the gate opens.
    Held(Gate),
    /// No byte, on an open connection.
    Silent,
    /// Headers and half of the body, then no further byte.
    StallAfterHeaders,
    /// Headers with the length of the whole body, half of it, then a closed connection.
    Truncated,
    /// A closed connection without a byte of response.
    CloseImmediately,
    /// This status, with these headers and this body.
    Respond { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Status 200 with this text as HTML.
    Html(String),
    /// Status 200 with an unfinished JSON string of this many bytes.
    Huge(usize),
}

/// A whole answer of the model.
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

/// An answer in pieces. If the request wants a whole answer, the model waits for the pace of all pieces, then answers.
#[derive(Clone)]
pub struct Script {
    pub pieces: Vec<String>,
    pub pace: Pace,
    pub ending: Ending,
    pub prompt_tokens: usize,
    /// Whether to report usage if the request wants it; each piece counts as a token.
    pub with_usage: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pieces: in_words("A fake model told its whole story one word at a time."),
            pace: Pace::Immediate,
            ending: Ending::Done,
            prompt_tokens: 12,
            with_usage: true,
        }
    }
}

impl Script {
    pub fn text(&self) -> String {
        self.pieces.concat()
    }

    fn reply(&self) -> Reply {
        let finish_reason = if matches!(self.ending, Ending::Length) { "length" } else { "stop" };
        Reply {
            text: self.text(),
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.pieces.len(),
            finish_reason: finish_reason.into(),
            with_usage: self.with_usage,
        }
    }
}

/// What the model waits for before each piece. The headers and the role are sent immediately.
#[derive(Clone)]
pub enum Pace {
    Immediate,
    /// A pause before each piece.
    Every(Duration),
    Gated(PieceGate),
}

impl Pace {
    async fn pass(&self) {
        match self {
            Self::Immediate => {}
            Self::Every(pause) => sleep(*pause).await,
            Self::Gated(piece_gate) => piece_gate.pass().await,
        }
    }
}

/// How an answer ends after its last piece. If the request wants a whole answer, a failed ending is half of the body, or
/// a status 500 for `Error`.
#[derive(Clone)]
pub enum Ending {
    /// A finish reason, usage and `[DONE]`.
    Done,
    /// The same as `Done`, with the finish reason `length`.
    Length,
    /// A finish reason, but no `[DONE]`.
    WithoutDone,
    /// A broken connection.
    CutOff,
    /// The end of the body, without finish reason and `[DONE]`.
    EndOfBody,
    /// No further byte, on an open connection.
    Stall,
    /// A last event with this `error`.
    Error(Value),
    /// The same as `Done`, followed by endless comments instead of the end of the body.
    KeepOpen,
}

/// Holds back pieces until the test releases them. Clones share one gate, and answers that share a gate compete for the
/// released pieces.
#[derive(Clone)]
pub struct PieceGate(Arc<Semaphore>);

impl PieceGate {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Releases this many more pieces.
    pub fn release(&self, pieces: usize) {
        self.0.add_permits(pieces);
    }

    /// Releases all pieces from now on.
    pub fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        // `open` closes the semaphore; then no permit is needed.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// Holds back answers until it opens. Clones share one gate.
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
        opened.expect("a gate that still exists");
    }
}

/// A chat completion request that the model received.
#[derive(Clone, Debug)]
pub struct Call {
    pub bearer: Option<String>,
    pub headers: HeaderMap,
    /// The query of the address.
    pub query: Option<String>,
    pub body: Value,
    /// What was sent in response so far.
    pub sent: Sent,
}

/// A handle to the fake server. Clones share one server, which stops when the last is dropped.
#[derive(Clone)]
pub struct FakeModel(Arc<FakeServer<Model>>);

impl FakeModel {
    /// Starts a server that accepts any key or none, and answers with the default [`Reply`].
    pub async fn start() -> Self {
        Self(Arc::new(FakeServer::start(Model::default()).await))
    }

    /// Stops recording calls, to save memory in long benchmarks. Calls are still counted.
    pub fn without_recording(self) -> Self {
        self.0.handler.state().record = None;
        self
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.0.address)
    }

    pub fn accept_any_key(&self) {
        self.0.handler.state().keys = None;
    }

    pub fn accept_only(&self, keys: &[&str]) {
        let keys = keys.iter().map(ToString::to_string).collect();
        self.0.handler.state().keys = Some(keys);
    }

    /// Sets the default behaviour.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.0.handler.state().default_behaviour = Arc::new(behaviour);
    }

    /// Queues a behaviour for one call with an accepted key, ahead of the default behaviour.
    pub fn behave_once(&self, behaviour: Behaviour) {
        let mut state = self.0.handler.state();
        state.queued.push_back(Arc::new(behaviour));
    }

    pub async fn stop(&self) {
        self.0.stop().await;
    }

    pub async fn restart(&self) {
        self.0.restart().await;
    }

    pub fn calls(&self) -> Vec<Call> {
        let state = self.0.handler.state();
        let record = state.record.as_ref();
        let record = record.expect("a model that records its calls");
        record.iter().map(Recorded::call).collect()
    }

    /// Returns what was sent so far for each call, in the order of the calls.
    pub fn sent(&self) -> Vec<Sent> {
        self.calls().iter().map(|call| call.sent).collect()
    }

    pub fn call_count(&self) -> usize {
        self.0.handler.calls.count()
    }

    pub async fn wait_for_calls(&self, n: usize) {
        self.0.handler.calls.wait_for(n, "calls of the model").await;
    }

    /// Returns the number of responses in progress, whole or streamed: the call is recorded, the response has not ended,
    /// and the client is connected.
    pub fn open_responses(&self) -> usize {
        self.0.exchanges.counts.borrow().open
    }

    /// Waits until exactly `n` responses are in progress.
    pub async fn wait_for_open_responses(&self, n: usize) {
        let what = format!("{n} responses of the model in progress");
        wait_for(&self.0.exchanges.counts, |counts| counts.open == n, &what).await;
    }

    /// Returns how many clients disconnected before the end of their response.
    pub fn disconnects(&self) -> usize {
        self.0.exchanges.counts.borrow().disconnects
    }

    pub async fn wait_for_disconnects(&self, n: usize) {
        self.0.wait_for_disconnects(n, "the model").await;
    }
}

#[derive(Default)]
struct Model {
    state: Mutex<State>,
    calls: Counter,
}

struct State {
    keys: Option<HashSet<String>>,
    default_behaviour: Arc<Behaviour>,
    queued: VecDeque<Arc<Behaviour>>,
    record: Option<Vec<Recorded>>,
}

struct Recorded {
    bearer: Option<String>,
    headers: HeaderMap,
    query: Option<String>,
    body: Value,
    progress: Arc<Progress>,
}

impl Recorded {
    fn call(&self) -> Call {
        Call {
            bearer: self.bearer.clone(),
            headers: self.headers.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            sent: self.progress.sent(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            keys: None,
            default_behaviour: Arc::new(Behaviour::Answer(Reply::default())),
            queued: VecDeque::new(),
            record: Some(Vec::new()),
        }
    }
}

impl State {
    fn admits(&self, bearer: Option<&str>) -> bool {
        let Some(keys) = &self.keys else { return true };
        bearer.is_some_and(|key| keys.contains(key))
    }

    fn next(&mut self) -> Arc<Behaviour> {
        let queued = self.queued.pop_front();
        queued.unwrap_or_else(|| self.default_behaviour.clone())
    }
}

/// Another path of completions, for tests of the fake itself: what `/v1/chat/completions` answers is compared with the contract.
pub const OUTSIDE_OF_THE_CONTRACT: &str = "/fake/v1/chat/completions";

impl Handler for Model {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, progress: Arc<Progress>) -> Answer {
        let bearer = bearer(request.headers());
        let bearer = bearer.as_deref();
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/chat/completions" | OUTSIDE_OF_THE_CONTRACT) => {
                self.complete(bearer, request, progress).await
            }
            (&Method::GET, "/v1/models") => Ok(self.list(bearer)),
            _ => {
                let error = error("Unknown request URL.", "unknown_url");
                Ok(respond_json(StatusCode::NOT_FOUND, &error))
            }
        }
    }
}

impl Model {
    async fn complete(&self, bearer: Option<&str>, request: Request<Incoming>, progress: Arc<Progress>) -> Answer {
        let (headers, query) = (request.headers().clone(), request.uri().query().map(str::to_owned));
        let body = read_json(request).await?;
        let recorded = Recorded { bearer: bearer.map(str::to_owned), headers, query, body, progress: progress.clone() };
        let request_body = recorded.body.clone();
        match self.admit(bearer, recorded, &progress) {
            Some(behaviour) => respond_as(&behaviour, &request_body, progress).await,
            None => Ok(wrong_key(bearer)),
        }
    }

    /// Records the call and returns the behaviour for it; `None` for a key that is not accepted.
    fn admit(&self, bearer: Option<&str>, call: Recorded, progress: &Arc<Progress>) -> Option<Arc<Behaviour>> {
        let mut state = self.state();
        if let Some(record) = &mut state.record {
            record.push(call);
        }
        let behaviour = state.admits(bearer).then(|| state.next());
        drop(state);
        if behaviour.is_some() {
            progress.open();
        }
        self.calls.add_one();
        behaviour
    }

    fn list(&self, bearer: Option<&str>) -> Response<Body> {
        if !self.state().admits(bearer) {
            return wrong_key(bearer);
        }
        let models = json!([{"id": "gpt-4o-mini", "object": "model"}]);
        respond_json(StatusCode::OK, &json!({"object": "list", "data": models}))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the model's state")
    }
}

async fn respond_as(behaviour: &Behaviour, request_body: &Value, progress: Arc<Progress>) -> Answer {
    Ok(match behaviour {
        Behaviour::Answer(reply) => answer(reply, request_body, progress),
        Behaviour::Echo => answer(&echo(request_body), request_body, progress),
        Behaviour::Stream(script) => play_script(script, request_body, progress).await,
        Behaviour::Endless(piece) => repeat_endlessly(piece, request_body, progress),
        Behaviour::IgnoreStream(reply) => answer_whole(reply, request_body),
        Behaviour::Delayed(pause, then) => {
            sleep(*pause).await;
            Box::pin(respond_as(then, request_body, progress)).await?
        }
        Behaviour::Held(gate) => {
            gate.pass().await;
            answer(&echo(request_body), request_body, progress)
        }
        Behaviour::Silent => pending().await,
        Behaviour::StallAfterHeaders => half(&Reply::default(), request_body, stream::pending()),
        Behaviour::Truncated => half(&Reply::default(), request_body, break_off()),
        Behaviour::CloseImmediately => return Err(io::ErrorKind::ConnectionAborted.into()),
        Behaviour::Respond { status, headers, body } => refuse(*status, headers, body),
        Behaviour::Html(text) => respond_text(StatusCode::OK, "text/html", text.clone()),
        Behaviour::Huge(size) => respond(StatusCode::OK, JSON, endless(*size)),
    })
}

fn answer(reply: &Reply, request_body: &Value, progress: Arc<Progress>) -> Response<Body> {
    if wants_stream(request_body) {
        let chunks = Chunks::of(reply, request_body);
        chunks.stream(&in_words(&reply.text), &Pace::Immediate, &Ending::Done, progress)
    } else {
        answer_whole(reply, request_body)
    }
}

fn answer_whole(reply: &Reply, request_body: &Value) -> Response<Body> {
    respond_json(StatusCode::OK, &completion(reply, request_body))
}

async fn play_script(script: &Script, request_body: &Value, progress: Arc<Progress>) -> Response<Body> {
    let reply = script.reply();
    if wants_stream(request_body) {
        let chunks = Chunks::of(&reply, request_body);
        return chunks.stream(&script.pieces, &script.pace, &script.ending, progress);
    }
    for _ in &script.pieces {
        script.pace.pass().await;
    }
    match &script.ending {
        Ending::Done | Ending::Length | Ending::WithoutDone | Ending::KeepOpen => answer_whole(&reply, request_body),
        Ending::CutOff | Ending::EndOfBody => half(&reply, request_body, break_off()),
        Ending::Stall => half(&reply, request_body, stream::pending()),
        Ending::Error(error) => respond_json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error })),
    }
}

fn repeat_endlessly(piece: &str, request_body: &Value, progress: Arc<Progress>) -> Response<Body> {
    let chunks = Chunks::of(&Reply::default(), request_body);
    let piece = chunks.delta(&json!({ "content": piece }), &Value::Null);
    let pieces = stream::repeat(piece).then(move |piece| {
        let progress = progress.clone();
        async move {
            flush().await;
            progress.add_piece();
            Ok(piece)
        }
    });
    respond(StatusCode::OK, "text/event-stream; charset=utf-8", streamed(pieces))
}

fn wants_stream(request_body: &Value) -> bool {
    request_body["stream"] == true
}

fn in_words(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

fn echo(request_body: &Value) -> Reply {
    let messages = request_body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let mut latest_first = messages.iter().rev();
    let last = latest_first.find(|message| message["role"] == "user");
    let text = last.map_or_else(String::new, text_of);
    Reply {
        prompt_tokens: messages.iter().map(|message| words(&text_of(message))).sum(),
        completion_tokens: words(&text),
        text,
        ..Reply::default()
    }
}

/// Returns the text of a message: its content, or the text parts of its content.
fn text_of(message: &Value) -> String {
    let content = &message["content"];
    let parts = content.as_array().map_or(&[][..], Vec::as_slice);
    let texts = parts.iter().map(|part| &part["text"]).chain([content]);
    texts.filter_map(Value::as_str).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn half(
    reply: &Reply,
    request_body: &Value,
    ending: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response<Body> {
    let body = Bytes::from(completion(reply, request_body).to_string());
    let half = Ok(body.slice(..body.len() / 2));
    let halved = streamed(stream::iter([half]).chain(ending));
    let mut response = respond(StatusCode::OK, JSON, halved);
    let length = HeaderValue::from(body.len());
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn comments() -> impl Stream<Item = io::Result<Bytes>> {
    stream::repeat(()).then(async |()| {
        sleep(Duration::from_millis(20)).await;
        Ok(Bytes::from_static(b": still here\n\n"))
    })
}

fn break_off() -> impl Stream<Item = io::Result<Bytes>> {
    stream::once(async {
        flush().await;
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

fn completion(reply: &Reply, request_body: &Value) -> Value {
    let message = json!({"role": "assistant", "content": reply.text, "refusal": null});
    let choice = choice("message", &message, &json!(reply.finish_reason));
    let mut completion = envelope("chat.completion", request_body, &json!([choice]));
    if reply.with_usage {
        completion["usage"] = usage(reply);
    }
    completion
}

/// Encodes a reply as the chunks of a stream.
struct Chunks {
    /// The fields that all chunks have.
    common: Value,
    finish_reason: String,
    /// The usage in the last chunk, if the request wants it.
    usage: Option<Value>,
}

impl Chunks {
    fn of(reply: &Reply, request_body: &Value) -> Self {
        let wants_usage = request_body["stream_options"]["include_usage"] == true;
        let usage = (reply.with_usage && wants_usage).then(|| usage(reply));
        let mut common = envelope("chat.completion.chunk", request_body, &json!([]));
        if usage.is_some() {
            common["usage"] = Value::Null;
        }
        Self { common, finish_reason: reply.finish_reason.clone(), usage }
    }

    fn stream(&self, pieces: &[String], pace: &Pace, ending: &Ending, progress: Arc<Progress>) -> Response<Body> {
        let role = json!({"role": "assistant", "content": "", "refusal": null});
        let role = stream::iter([Ok(self.delta(&role, &Value::Null))]);
        let pieces: Vec<_> =
            pieces.iter().map(|piece| self.delta(&json!({ "content": piece }), &Value::Null)).collect();
        let pace = pace.clone();
        let pieces = stream::iter(pieces).then(move |piece| {
            let (pace, progress) = (pace.clone(), progress.clone());
            async move {
                flush().await;
                pace.pass().await;
                progress.add_piece();
                Ok(piece)
            }
        });
        let events = streamed(role.chain(pieces).chain(self.end(ending)));
        respond(StatusCode::OK, "text/event-stream; charset=utf-8", events)
    }

    /// Returns the end of the stream. It is sent in one write, so that a client that closes the connection at `[DONE]` does
    /// not count as disconnected.
    fn end(&self, ending: &Ending) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let mut last = Vec::new();
        if let Ending::Done | Ending::Length | Ending::WithoutDone | Ending::KeepOpen = ending {
            last.push(self.delta(&json!({}), &json!(self.finish_reason)));
            last.extend(self.usage.as_ref().map(|usage| self.chunk("usage", usage)));
        }
        match ending {
            Ending::Done | Ending::Length | Ending::KeepOpen => last.push(event("[DONE]")),
            Ending::Error(error) => last.push(event(json!({ "error": error }))),
            Ending::WithoutDone | Ending::CutOff | Ending::EndOfBody | Ending::Stall => {}
        }
        let last = stream::iter(last).map(Ok);
        let last: BoxStream<'_, _> = match ending {
            Ending::CutOff => last.chain(break_off()).boxed(),
            Ending::Stall => last.chain(stream::pending()).boxed(),
            Ending::KeepOpen => last.chain(comments()).boxed(),
            _ => last.boxed(),
        };
        stream::once(async {
            flush().await;
            last
        })
        .flatten()
    }

    fn delta(&self, delta: &Value, finish_reason: &Value) -> Bytes {
        self.chunk("choices", &json!([choice("delta", delta, finish_reason)]))
    }

    /// Returns a chunk with this field set.
    fn chunk(&self, name: &str, value: &Value) -> Bytes {
        let mut chunk = self.common.clone();
        chunk[name] = value.clone();
        event(chunk)
    }
}

fn event(data: impl Display) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Yields once: hyper flushes the written pieces when the body is not ready.
async fn flush() {
    yield_now().await;
}

fn choice(kind: &str, content: &Value, finish_reason: &Value) -> Value {
    json!({"index": 0, kind: content, "logprobs": null, "finish_reason": finish_reason})
}

fn envelope(object: &str, request_body: &Value, choices: &Value) -> Value {
    let model = request_body["model"].as_str().unwrap_or_default();
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

/// Returns the error for a wrong key. It contains the whole key, which OpenAI masks: AL-Chat must not pass it on.
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

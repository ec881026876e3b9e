//! A fake OpenAI-compatible model: chat completions, whole or streamed.

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
    Answer, Body, Door, Host, JSON, Progress, Sent, Tally, read_json, respond, respond_json, respond_text, status,
    wait_for,
};

/// What the model does with a chat completion it was rightly asked for.
#[derive(Clone)]
pub enum Behaviour {
    Answer(Reply),
    /// Answers with the last user message; a token is a word.
    Echo,
    /// Tells its answer by the script.
    Stream(Script),
    /// Streams this piece again and again, as fast as it is taken, for ever.
    Endless(String),
    /// Answers whole, even when asked for a stream.
    IgnoreStream(Reply),
    /// Waits before the headers.
    Delayed(Duration, Box<Behaviour>),
    /// Waits for the gate to open, then answers like `Echo`.
    Held(Gate),
    /// Takes the request and never sends a byte.
    Silent,
    /// Headers and half of the body, then silence.
    StallAfterHeaders,
    /// Headers that promise the whole body, half of it, then the end.
    Truncated,
    /// Closes the connection without a byte of response.
    CloseImmediately,
    Respond {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// A success with this text as HTML.
    Html(String),
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

/// An answer told piece by piece; asked for it whole, the model answers when
/// the pace of all pieces has passed.
#[derive(Clone)]
pub struct Script {
    pub pieces: Vec<String>,
    pub pace: Pace,
    pub ending: Ending,
    pub prompt_tokens: usize,
    /// Reports usage where the request wants it; a token is a piece.
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

/// What each piece waits for; the headers and the role come at once.
#[derive(Clone)]
pub enum Pace {
    Immediate,
    /// Pauses before each piece.
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

/// How an answer ends after its last piece. RequestLine for whole, one that ends
/// badly is half an answer, or for `Error` a 500.
#[derive(Clone)]
pub enum Ending {
    Done,
    /// Like `Done`, but out of tokens.
    Length,
    /// A finish reason, but no `[DONE]`.
    WithoutDone,
    /// The connection breaks.
    CutOff,
    /// A clean end of the body, with neither finish reason nor `[DONE]`.
    EndOfBody,
    /// Silence for ever.
    Stall,
    /// This as the `error` of a last event.
    Error(Value),
    /// As it should be, but then comments for ever instead of the end of the body.
    KeepOpen,
}

/// Holds pieces back; clones are the same piece_gate. Answers that share one share
/// the pieces it lets through, first come, first served.
#[derive(Clone)]
pub struct PieceGate(Arc<Semaphore>);

impl PieceGate {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets so many more pieces through.
    pub fn release(&self, pieces: usize) {
        self.0.add_permits(pieces);
    }

    /// Lets all pieces through from now on.
    pub fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        // A closed semaphore refuses its permits: there is no more need of them.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
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
    /// What came of it until now.
    pub sent: Sent,
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

    pub fn address(&self) -> SocketAddr {
        self.0.address
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

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.0.host.manners().standing = Arc::new(behaviour);
    }

    /// Queues a behaviour for one call with a good key, before the standing one.
    pub fn behave_once(&self, behaviour: Behaviour) {
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
        let manners = self.0.host.manners();
        let record = manners.record.as_ref();
        let record = record.expect("a model that records its calls");
        record.iter().map(Recorded::call).collect()
    }

    /// What was sent for each call until now, in the order of the calls.
    pub fn sent(&self) -> Vec<Sent> {
        self.calls().iter().map(|call| call.sent).collect()
    }

    pub fn call_count(&self) -> usize {
        self.0.host.calls.count()
    }

    pub async fn wait_for_calls(&self, n: usize) {
        self.0.host.calls.wait_for(n, "calls of the model").await;
    }

    /// How many answers are under way, whole ones as well as streams: their
    /// calls are recorded, and they neither ended nor lost their client.
    pub fn open_responses(&self) -> usize {
        self.0.visits.counts.borrow().open
    }

    /// Waits until there are neither more nor fewer.
    pub async fn wait_for_open_responses(&self, n: usize) {
        let what = format!("{n} answers of the model under way");
        wait_for(&self.0.visits.counts, |counts| counts.open == n, &what).await;
    }

    /// How often a client left before its answer was complete.
    pub fn disconnects(&self) -> usize {
        self.0.visits.counts.borrow().disconnects
    }

    pub async fn wait_for_disconnects(&self, n: usize) {
        let what = format!("{n} disconnects from the model");
        wait_for(&self.0.visits.counts, |counts| counts.disconnects >= n, &what).await;
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
    record: Option<Vec<Recorded>>,
}

struct Recorded {
    bearer: Option<String>,
    body: Value,
    progress: Arc<Progress>,
}

impl Recorded {
    fn call(&self) -> Call {
        Call { bearer: self.bearer.clone(), body: self.body.clone(), sent: self.progress.sent() }
    }
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
    async fn receive(self: Arc<Self>, request: Request<Incoming>, progress: Arc<Progress>) -> Answer {
        let bearer = bearer(request.headers());
        let bearer = bearer.as_deref();
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/chat/completions") => self.complete(bearer, request, progress).await,
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
        let asked = read_json(request).await?;
        match self.admit(bearer, &asked, &progress) {
            Some(behaviour) => act(&behaviour, &asked, progress).await,
            None => Ok(wrong_key(bearer)),
        }
    }

    /// Records the call, then finds what to do with it: nothing for a bad key.
    fn admit(&self, bearer: Option<&str>, asked: &Value, progress: &Arc<Progress>) -> Option<Arc<Behaviour>> {
        let mut manners = self.manners();
        if let Some(record) = &mut manners.record {
            let (bearer, progress) = (bearer.map(str::to_owned), progress.clone());
            record.push(Recorded { bearer, body: asked.clone(), progress });
        }
        let behaviour = manners.admits(bearer).then(|| manners.next());
        drop(manners);
        if behaviour.is_some() {
            progress.open();
        }
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

async fn act(behaviour: &Behaviour, asked: &Value, progress: Arc<Progress>) -> Answer {
    Ok(match behaviour {
        Behaviour::Answer(reply) => answer(reply, asked, progress),
        Behaviour::Echo => answer(&echo(asked), asked, progress),
        Behaviour::Stream(script) => perform(script, asked, progress).await,
        Behaviour::Endless(piece) => repeat_for_ever(piece, asked, progress),
        Behaviour::IgnoreStream(reply) => answer_whole(reply, asked),
        Behaviour::Delayed(pause, then) => {
            sleep(*pause).await;
            Box::pin(act(then, asked, progress)).await?
        }
        Behaviour::Held(gate) => {
            gate.pass().await;
            answer(&echo(asked), asked, progress)
        }
        Behaviour::Silent => pending().await,
        Behaviour::StallAfterHeaders => half(&Reply::default(), asked, stream::pending()),
        Behaviour::Truncated => half(&Reply::default(), asked, break_off()),
        Behaviour::CloseImmediately => return Err(io::ErrorKind::ConnectionAborted.into()),
        Behaviour::Respond { status, headers, body } => refuse(*status, headers, body),
        Behaviour::Html(text) => respond_text(StatusCode::OK, "text/html", text.clone()),
        Behaviour::Huge(size) => respond(StatusCode::OK, JSON, endless(*size)),
    })
}

fn answer(reply: &Reply, asked: &Value, progress: Arc<Progress>) -> Response<Body> {
    if wants_stream(asked) {
        let chunks = Chunks::of(reply, asked);
        chunks.tell(&in_words(&reply.text), &Pace::Immediate, &Ending::Done, progress)
    } else {
        answer_whole(reply, asked)
    }
}

fn answer_whole(reply: &Reply, asked: &Value) -> Response<Body> {
    respond_json(StatusCode::OK, &completion(reply, asked))
}

async fn perform(script: &Script, asked: &Value, progress: Arc<Progress>) -> Response<Body> {
    let reply = script.reply();
    if wants_stream(asked) {
        let chunks = Chunks::of(&reply, asked);
        return chunks.tell(&script.pieces, &script.pace, &script.ending, progress);
    }
    for _ in &script.pieces {
        script.pace.pass().await;
    }
    match &script.ending {
        Ending::Done | Ending::Length | Ending::WithoutDone | Ending::KeepOpen => answer_whole(&reply, asked),
        Ending::CutOff | Ending::EndOfBody => half(&reply, asked, break_off()),
        Ending::Stall => half(&reply, asked, stream::pending()),
        Ending::Error(error) => respond_json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error })),
    }
}

fn repeat_for_ever(piece: &str, asked: &Value, progress: Arc<Progress>) -> Response<Body> {
    let chunks = Chunks::of(&Reply::default(), asked);
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

fn wants_stream(asked: &Value) -> bool {
    asked["stream"] == true
}

fn in_words(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

fn echo(asked: &Value) -> Reply {
    let messages = asked["messages"].as_array().map_or(&[][..], Vec::as_slice);
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

/// The words of a message: its content, or those of its content's parts that are no images.
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
    asked: &Value,
    ending: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response<Body> {
    let body = Bytes::from(completion(reply, asked).to_string());
    let half = Ok(body.slice(..body.len() / 2));
    let halved = streamed(stream::iter([half]).chain(ending));
    let mut response = respond(StatusCode::OK, JSON, halved);
    let promised = HeaderValue::from(body.len());
    response.headers_mut().insert(CONTENT_LENGTH, promised);
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

fn completion(reply: &Reply, asked: &Value) -> Value {
    let message = json!({"role": "assistant", "content": reply.text, "refusal": null});
    let choice = choice("message", &message, &json!(reply.finish_reason));
    let mut completion = envelope("chat.completion", asked, &json!([choice]));
    if reply.with_usage {
        completion["usage"] = usage(reply);
    }
    completion
}

/// Puts one reply into chunks.
struct Chunks {
    /// What all have in common.
    common: Value,
    finish_reason: String,
    /// What the last one reports, if the request wants it.
    usage: Option<Value>,
}

impl Chunks {
    fn of(reply: &Reply, asked: &Value) -> Self {
        let wants_usage = asked["stream_options"]["include_usage"] == true;
        let usage = (reply.with_usage && wants_usage).then(|| usage(reply));
        let mut common = envelope("chat.completion.chunk", asked, &json!([]));
        if usage.is_some() {
            common["usage"] = Value::Null;
        }
        Self { common, finish_reason: reply.finish_reason.clone(), usage }
    }

    fn tell(&self, pieces: &[String], pace: &Pace, ending: &Ending, progress: Arc<Progress>) -> Response<Body> {
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

    /// All in one go after the flush, lest a client that leaves on `[DONE]`
    /// be taken for one that leaves early.
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

    /// What is common, but for this.
    fn chunk(&self, name: &str, value: &Value) -> Bytes {
        let mut chunk = self.common.clone();
        chunk[name] = value.clone();
        event(chunk)
    }
}

fn event(data: impl Display) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// A body that is late for one poll has what it gave before sent out.
async fn flush() {
    yield_now().await;
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

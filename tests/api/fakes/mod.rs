//! Fakes of the two services that AL-Chat calls: HTTP/1.1 servers on a local port that answer, or fail, as the test sets.
//!
//! A test waits with the `wait_for_…` methods, which panic after a time limit. It does not sleep.
#![allow(dead_code, reason = "each test program uses some of the fakes")]

pub mod byte_server;
pub mod certificates;
pub mod collector;
pub mod event_receiver;
pub mod hook;
pub mod model;
pub mod papita;
pub mod scripted_model;
pub mod tls;

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The longest time that a test waits for one thing to happen.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const JSON: &str = "application/json";

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A response, or an error that closes the connection without a byte of response.
type Answer = io::Result<Response<Body>>;

/// Answers the requests to a [`FakeServer`].
trait Handler: Send + Sync + 'static {
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        progress: Arc<Progress>,
    ) -> impl Future<Output = Answer> + Send;
}

/// A server that can be stopped and restarted on the same port. Dropping it stops it.
struct FakeServer<H> {
    address: SocketAddr,
    handler: Arc<H>,
    exchanges: Arc<Exchanges>,
    closing: Arc<Notify>,
    /// The accept loop; empty while the server is stopped.
    accepting: Mutex<JoinSet<()>>,
}

impl<H: Handler> FakeServer<H> {
    async fn start(handler: H) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
        let server = Self {
            address: listener.local_addr().expect("the port's own address"),
            handler: Arc::new(handler),
            exchanges: Arc::default(),
            closing: Arc::default(),
            accepting: Mutex::default(),
        };
        server.accept_from(listener);
        server
    }

    /// Stops the server. Returns when the port refuses connections and the open ones are closed.
    async fn stop(&self) {
        let accepting = mem::take(&mut *self.accepting());
        if !accepting.is_empty() {
            // Requests that the stop interrupts do not count as disconnects of clients.
            self.exchanges.stopping.store(true, Relaxed);
            self.closing.notify_one();
            accepting.join_all().await;
            self.exchanges.stopping.store(false, Relaxed);
        }
    }

    /// Listens on the same port again.
    async fn restart(&self) {
        self.stop().await;
        let listener = timeout(TEST_TIMEOUT, bind_with_retries(self.address))
            .await
            .unwrap_or_else(|_| panic!("{} is still in use", self.address));
        self.accept_from(listener);
    }

    /// Waits until `n` clients have disconnected before the end of their response.
    async fn wait_for_disconnects(&self, n: usize, server: &str) {
        let what = format!("{n} clients that disconnected from {server}");
        wait_for(&self.exchanges.counts, |counts| counts.disconnects >= n, &what).await;
    }

    fn accept_from(&self, listener: TcpListener) {
        let (handler, exchanges) = (self.handler.clone(), self.exchanges.clone());
        let accepting = accept(listener, handler, exchanges, self.closing.clone());
        self.accepting().spawn(accepting);
    }

    fn accepting(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.accepting.lock().expect("the accept loop's lock")
    }
}

async fn bind_with_retries(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            // The system does not report when a port becomes free.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>, exchanges: Arc<Exchanges>, closing: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = closing.notified() => break,
            Some(_) = connections.join_next() => {}
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(stream, handler.clone(), exchanges.clone()));
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve<H: Handler>(stream: TcpStream, handler: Arc<H>, exchanges: Arc<Exchanges>) {
    // Tests break connections on purpose, so that errors are ignored.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let exchange = Exchange::new(exchanges.clone());
        let answer = handler.clone().handle(request, exchange.0.clone());
        exchange.track(answer)
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Counts of the requests to a [`FakeServer`].
#[derive(Default)]
struct Exchanges {
    counts: watch::Sender<Counts>,
    stopping: AtomicBool,
}

/// Both counts at one moment. A client that disconnects changes both at once.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// The number of responses in progress.
    open: usize,
    /// The number of clients that disconnected before the end of their response.
    disconnects: usize,
}

/// The progress of one response.
struct Progress {
    exchanges: Arc<Exchanges>,
    open: AtomicBool,
    pieces: AtomicUsize,
    finished: AtomicBool,
    disconnected_at: OnceLock<Instant>,
}

/// What was sent of one response, at the time of the test's call.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The number of streamed pieces; 0 for a whole answer.
    pub pieces: usize,
    /// Whether the response reached its intended end, which may be a failure.
    pub finished: bool,
    /// When the client disconnected before that end.
    pub disconnected_at: Option<Instant>,
}

impl Progress {
    fn new(exchanges: Arc<Exchanges>) -> Self {
        Self {
            exchanges,
            open: AtomicBool::default(),
            pieces: AtomicUsize::default(),
            finished: AtomicBool::default(),
            disconnected_at: OnceLock::default(),
        }
    }

    /// Counts the response as in progress until it ends.
    fn open(&self) {
        self.open.store(true, Relaxed);
        self.exchanges.counts.send_modify(|counts| counts.open += 1);
    }

    fn add_piece(&self) {
        self.pieces.fetch_add(1, Relaxed);
    }

    fn sent(&self) -> Sent {
        Sent {
            pieces: self.pieces.load(Relaxed),
            finished: self.finished.load(Relaxed),
            disconnected_at: self.disconnected_at.get().copied(),
        }
    }
}

/// A request and its response. If it is dropped before the response is finished, the client has disconnected.
struct Exchange(Arc<Progress>);

impl Exchange {
    fn new(exchanges: Arc<Exchanges>) -> Self {
        Self(Arc::new(Progress::new(exchanges)))
    }

    async fn track(self, answer: impl Future<Output = Answer>) -> Answer {
        let answer = answer.await;
        self.finished(answer.is_err());
        Ok(answer?.map(|body| self.track_body(body)))
    }

    fn track_body(self, body: Body) -> Body {
        self.finished(body.is_end_stream());
        let exchange = self;
        TrackedBody { body, exchange }.boxed_unsync()
    }

    fn finished(&self, finished: bool) {
        self.0.finished.store(finished, Relaxed);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Progress { exchanges, open, finished, disconnected_at, .. } = &*self.0;
        let disconnected = !finished.load(Relaxed) && !exchanges.stopping.load(Relaxed);
        if disconnected {
            disconnected_at.get_or_init(Instant::now);
        }
        exchanges.counts.send_modify(|counts| {
            counts.open -= usize::from(open.load(Relaxed));
            counts.disconnects += usize::from(disconnected);
        });
    }
}

struct TrackedBody {
    body: Body,
    exchange: Exchange,
}

impl hyper::body::Body for TrackedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // A body ends with an error only if the fake was told to fail.
        let is_finished = matches!(polled, Poll::Ready(None | Some(Err(_))));
        self.exchange.finished(is_finished || self.body.is_end_stream());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A count that a test can wait for.
#[derive(Default)]
struct Counter(watch::Sender<usize>);

impl Counter {
    fn add_one(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    fn count(&self) -> usize {
        *self.0.borrow()
    }

    async fn wait_for(&self, wanted: usize, what: &str) {
        let what = format!("{wanted} {what}");
        wait_for(&self.0, |count| *count >= wanted, &what).await;
    }
}

async fn wait_for<T: Copy + Debug>(state: &watch::Sender<T>, reached: impl FnMut(&T) -> bool, what: &str) {
    let mut changes = state.subscribe();
    if timeout(TEST_TIMEOUT, changes.wait_for(reached)).await.is_err() {
        let last = *state.borrow();
        panic!("waited {TEST_TIMEOUT:?} for {what}, but saw {last:?}");
    }
}

/// Returns the request's JSON; `null` if the body is not JSON.
async fn read_json(request: Request<Incoming>) -> io::Result<Value> {
    let body = request.into_body().collect().await;
    let bytes = body.map_err(io::Error::other)?.to_bytes();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn respond_json(status: StatusCode, value: &Value) -> Response<Body> {
    respond_text(status, JSON, value.to_string())
}

fn respond_text(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let body = Full::from(text).map_err(|never| match never {});
    respond(status, kind, body.boxed_unsync())
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a valid status code")
}

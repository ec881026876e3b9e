//! Living fakes of the two services AL-Chat talks to: real HTTP/1.1 servers on
//! a local port that answer well, or misbehave, as the test commands.
//!
//! Nothing here sleeps to wait for something: a test awaits the `wait_for_…`
//! method of what it expects, which panics when that does not happen in time.
#![allow(dead_code, reason = "each test program uses a part of the fakes")]

pub mod byte_server;
pub mod certificates;
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

/// How long a test waits for something before it is declared never to happen.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const JSON: &str = "application/json";

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An `Err` closes the connection without a single byte of response.
type Answer = io::Result<Response<Body>>;

/// What stands behind a [`Door`] and answers the requests that come through.
trait Host: Send + Sync + 'static {
    fn receive(
        self: Arc<Self>,
        request: Request<Incoming>,
        progress: Arc<Progress>,
    ) -> impl Future<Output = Answer> + Send;
}

/// A listening port that can be shut and opened again; it shuts when dropped.
struct Door<H> {
    address: SocketAddr,
    host: Arc<H>,
    visits: Arc<Visits>,
    closing: Arc<Notify>,
    /// The accept loop, if the port is open.
    accepting: Mutex<JoinSet<()>>,
}

impl<H: Host> Door<H> {
    async fn open(host: H) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
        let door = Self {
            address: listener.local_addr().expect("the port's own address"),
            host: Arc::new(host),
            visits: Arc::default(),
            closing: Arc::default(),
            accepting: Mutex::default(),
        };
        door.accept_from(listener);
        door
    }

    /// Returns once the port refuses connections and the open ones are gone.
    async fn stop(&self) {
        let accepting = mem::take(&mut *self.accepting());
        if !accepting.is_empty() {
            // Whoever is cut off by this did not leave.
            self.visits.stopping.store(true, Relaxed);
            self.closing.notify_one();
            accepting.join_all().await;
            self.visits.stopping.store(false, Relaxed);
        }
    }

    /// Opens the same port again.
    async fn restart(&self) {
        self.stop().await;
        let listener = timeout(TEST_TIMEOUT, bind_patiently(self.address))
            .await
            .unwrap_or_else(|_| panic!("{} did not become free again", self.address));
        self.accept_from(listener);
    }

    fn accept_from(&self, listener: TcpListener) {
        let (host, visits) = (self.host.clone(), self.visits.clone());
        let accepting = accept(listener, host, visits, self.closing.clone());
        self.accepting().spawn(accepting);
    }

    fn accepting(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.accepting.lock().expect("the door's lock")
    }
}

async fn bind_patiently(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            // The system does not tell when a port becomes free.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn accept<H: Host>(listener: TcpListener, host: Arc<H>, visits: Arc<Visits>, closing: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = closing.notified() => break,
            Some(_) = connections.join_next() => {}
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(stream, host.clone(), visits.clone()));
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve<H: Host>(stream: TcpStream, host: Arc<H>, visits: Arc<Visits>) {
    // Both results are let go: a broken connection is the fakes' daily bread.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let visit = Visit::to(visits.clone());
        let answer = host.clone().receive(request, visit.0.clone());
        visit.during(answer)
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What became of the visits to a [`Door`], summed up.
#[derive(Default)]
struct Visits {
    counts: watch::Sender<Counts>,
    stopping: AtomicBool,
}

/// Of one moment: whoever leaves is gone from the one and in the other at once.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Answers under way that the host has declared open.
    open: usize,
    /// Clients that left before their answer's end.
    disconnects: usize,
}

/// How far one answer has come.
struct Progress {
    visits: Arc<Visits>,
    open: AtomicBool,
    pieces: AtomicUsize,
    finished: AtomicBool,
    disconnected_at: OnceLock<Instant>,
}

/// What was sent of one answer, as of when the test asked.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The pieces handed to the wire; a whole answer has none.
    pub pieces: usize,
    /// The answer came to the end it was meant to have, a broken one included.
    pub finished: bool,
    /// When it was noticed that the client had left before that.
    pub disconnected_at: Option<Instant>,
}

impl Progress {
    fn of_one_among(visits: Arc<Visits>) -> Self {
        Self {
            visits,
            open: AtomicBool::default(),
            pieces: AtomicUsize::default(),
            finished: AtomicBool::default(),
            disconnected_at: OnceLock::default(),
        }
    }

    /// Counts the answer as open from now until it ends.
    fn open(&self) {
        self.open.store(true, Relaxed);
        self.visits.counts.send_modify(|counts| counts.open += 1);
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

/// A client waiting for its answer: dropped with that unfinished, it has left.
struct Visit(Arc<Progress>);

impl Visit {
    fn to(visits: Arc<Visits>) -> Self {
        Self(Arc::new(Progress::of_one_among(visits)))
    }

    async fn during(self, answer: impl Future<Output = Answer>) -> Answer {
        let answer = answer.await;
        self.finished(answer.is_err());
        Ok(answer?.map(|body| self.until_end_of(body)))
    }

    fn until_end_of(self, body: Body) -> Body {
        self.finished(body.is_end_stream());
        let visit = self;
        Watched { body, visit }.boxed_unsync()
    }

    fn finished(&self, finished: bool) {
        self.0.finished.store(finished, Relaxed);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Progress { visits, open, finished, disconnected_at, .. } = &*self.0;
        let left = !finished.load(Relaxed) && !visits.stopping.load(Relaxed);
        if left {
            disconnected_at.get_or_init(Instant::now);
        }
        visits.counts.send_modify(|counts| {
            counts.open -= usize::from(open.load(Relaxed));
            counts.disconnects += usize::from(left);
        });
    }
}

struct Watched {
    body: Body,
    visit: Visit,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // A body that fails is the fake's doing, not the client's.
        let over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        self.visit.finished(over || self.body.is_end_stream());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A count that tests can wait on.
#[derive(Default)]
struct Tally(watch::Sender<usize>);

impl Tally {
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

/// The request's JSON; anything else becomes `null`, which no test expects.
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
    StatusCode::from_u16(code).expect("a status code HTTP knows")
}

//! Accepts connections. The framework's own server has no time limit for headers, spins when descriptors run out, and
//! notices a departed client late.
//!
//! HTTP/1.1 only: telling it from HTTP/2 means waiting for a connection's first bytes without a time limit, and TLS
//! with HTTP/2 is the business of the proxy in front.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use poem::{
    Body, Endpoint, Request, RequestParts, Response,
    http::{HeaderValue, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection_timeouts::{Pace, PacedBody},
    linger,
    raw_head::RawHead,
    refusal,
    request_body::{LentBody, Unread},
    stream::Paced,
};
use crate::{
    api::MalformedRequest,
    foundation::{config::Server, tasks::Tasks},
};

/// How long to wait when a connection cannot be accepted, which is nearly always for want of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// What a connection holds back for its client, and the longest head of a request, in bytes.
pub(super) const BUFFER: usize = 64 << 10;

/// How long an answer that is complete may take to leave when the service stops.
const LAST_FLUSH: Duration = Duration::from_millis(250);

/// Serves connections until `stop`; then each ends after the answer it is at.
pub(super) async fn run<E: Endpoint<Output = Response> + 'static>(
    listener: TcpListener,
    endpoint: Arc<E>,
    settings: Server,
    stop: CancellationToken,
    tasks: Tasks,
) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let local = listener.local_addr().ok();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, remote, place)) = accepted else { continue };
        let connection = Connection {
            endpoint: Arc::clone(&endpoint),
            local: local.unwrap_or(remote),
            remote,
            header_timeout: settings.header_timeout,
            keepalive_timeout: settings.keepalive_timeout,
            stop: stop.clone(),
        };
        tasks.spawn("connection", async move {
            connection.serve(stream).await;
            drop(place);
        });
    }
}

/// The next connection, as soon as there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, remote)) => Some((stream, remote, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

struct Connection<E> {
    endpoint: Arc<E>,
    local: SocketAddr,
    remote: SocketAddr,
    header_timeout: Duration,
    keepalive_timeout: Duration,
    stop: CancellationToken,
}

impl<E: Endpoint<Output = Response> + 'static> Connection<E> {
    async fn serve(self, stream: TcpStream) {
        // Small answers leave at once; failing to ask for that is no reason to hang up.
        let _ = stream.set_nodelay(true);
        let pace = Pace::new(self.header_timeout, self.keepalive_timeout);
        let service = service_fn(|request| {
            let head = pace.answer();
            // Boxed, so that a connection keeps no room for it while an answer leaves or nothing goes on.
            Box::pin(self.answer(request, head, &pace))
        });
        let stream = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
        let mut connection =
            http1::Builder::new().header_read_timeout(None).max_buf_size(BUFFER).serve_connection(stream, service);
        let mut is_stopping = false;
        // How a connection ends is the client's business; what was asked on it has been logged by then.
        while let Some(left) = pace.left() {
            // What goes on may change meanwhile, and with it the limit.
            let left = left.min(self.header_timeout).min(self.keepalive_timeout);
            tokio::select! {
                _ = &mut connection => {
                    let (stream, withheld) = connection.into_parts().io.into_inner().into_parts();
                    // Boxed for the same reason.
                    return Box::pin(self.close(stream, pace.take_head(), &withheld)).await;
                }
                () = tokio::time::sleep(left) => {}
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                    if pace.is_at_head() {
                        // A client that has said nothing, or half a thing, is not waited for; a last answer may be on
                        // its way out.
                        let _ = tokio::time::timeout(LAST_FLUSH, connection).await;
                        return;
                    }
                }
            }
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        head: RawHead,
        pace: &Arc<Pace>,
    ) -> Result<hyper::Response<PacedBody<BoxBody<Bytes, io::Error>>>, Infallible> {
        let unread = Unread::default();
        let expects = request.headers().contains_key(header::EXPECT);
        let request = self.take(request, &head, &unread);
        let mut response = hyper::Response::from(self.endpoint.get_response(request).await);
        if unread.is_coming(expects).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        pace.send();
        Ok(response.map(|body| PacedBody { body, pace: Arc::clone(pace) }))
    }

    /// The request for the endpoint; its body comes back to `unread`.
    fn take(&self, request: hyper::Request<Incoming>, head: &RawHead, unread: &Unread) -> Request {
        let (parts, body) = request.into_parts();
        let (local, remote) = (LocalAddr(self.local.into()), RemoteAddr(self.remote.into()));
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::from(LentBody::new(body, unread.clone()).map_err(io::Error::other).boxed())
        };
        let mut request = Request::from_parts(parts, body);
        // The library has put one of the two aside.
        if request.headers().contains_key(header::TRANSFER_ENCODING) && head.has(&header::CONTENT_LENGTH) {
            request.set_data(MalformedRequest::TwoLengths);
        }
        request
    }

    /// Ends the connection, with an answer to a request that the library could not read.
    async fn close(&self, mut stream: TcpStream, head: RawHead, withheld: &[u8]) {
        if let Some(answer) = refusal::encode(self.endpoint.as_ref(), head, withheld).await {
            // Who cannot be told is gone.
            let _ = tokio::time::timeout(self.keepalive_timeout, stream.write_all(&answer)).await;
        }
        linger::close(stream, &self.stop).await;
    }
}

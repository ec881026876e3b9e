//! The accept loop: accepts TCP connections and serves HTTP/1.1 on each.
//!
//! It replaces poem's own server, which has no time limit for request headers, retries without a pause when file
//! descriptors run out, and notices late that a client has disconnected.
//!
//! HTTP/1.1 only: to detect HTTP/2 the server would have to wait for a connection's first bytes without a time limit. A
//! proxy in front can offer TLS with HTTP/2.

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
};
use tokio_util::sync::CancellationToken;

use super::{
    close,
    connection_stream::ConnectionStream,
    connection_timeouts::{ConnectionTimeouts, TimedBody},
    descriptor_budget::extra_connections,
    malformed,
    raw_head::{MAX_HEAD_BYTES, RawHead},
    request_body::{RequestBody, UnreadBody},
    slots::{RateLimit, Slot, Slots, WARNING_INTERVAL},
};
use crate::{
    api::{BeyondConnectionLimit, MalformedRequest, StreamCutOff},
    foundation::{config::Server, tasks::Tasks},
};

/// The pause after a connection could not be accepted, nearly always because file descriptors ran out.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The time for a client beyond the connection limit to read its response and close the connection.
const EXTRA_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The time for sending the rest of a complete response when the service stops.
const SHUTDOWN_FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// Accepts and serves connections until `stop` is cancelled. Each connection then ends after its current response.
pub(super) async fn run<E: Endpoint<Output = Response> + 'static>(
    listener: TcpListener,
    endpoint: Arc<E>,
    settings: Server,
    stop: CancellationToken,
    tasks: Tasks,
) {
    let mut slots = Slots::new(&settings, extra_connections());
    let mut warning = RateLimit::new(WARNING_INTERVAL);
    let local = listener.local_addr().ok();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &mut slots, &mut warning) => accepted,
        };
        let Some((stream, remote, slot)) = accepted else { continue };
        let connection = Connection {
            endpoint: Arc::clone(&endpoint),
            local: local.unwrap_or(remote),
            remote,
            is_extra: slot.is_extra(),
            timeouts: Arc::clone(&slot.timeouts),
            keepalive_timeout: settings.keepalive_timeout,
            stop: stop.clone(),
        };
        tasks.spawn("connection", async move {
            connection.serve(stream).await;
            drop(slot);
        });
    }
}

/// Accepts the next connection and waits for a slot. Returns `None` after an error, which is logged now and then, and if there
/// is no slot for the client.
async fn accept(
    listener: &TcpListener,
    slots: &mut Slots,
    warning: &mut RateLimit,
) -> Option<(TcpStream, SocketAddr, Slot)> {
    match listener.accept().await {
        Ok((stream, remote)) => Some((stream, remote, slots.take(remote).await?)),
        Err(error) => {
            if warning.is_due() {
                tracing::warn!(%error, "a connection could not be accepted; this is tried again");
            }
            tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
            None
        }
    }
}

/// One accepted connection, with what serving it takes.
struct Connection<E> {
    endpoint: Arc<E>,
    local: SocketAddr,
    remote: SocketAddr,
    /// Whether the connection is beyond MAX_CONNECTIONS.
    is_extra: bool,
    timeouts: Arc<ConnectionTimeouts>,
    keepalive_timeout: Duration,
    stop: CancellationToken,
}

impl<E: Endpoint<Output = Response> + 'static> Connection<E> {
    async fn serve(self, stream: TcpStream) {
        // Without Nagle's algorithm, small responses are sent at once. An error here doesn't matter.
        let _ = stream.set_nodelay(true);
        let timeouts = &self.timeouts;
        let service = service_fn(|request| {
            let head = timeouts.begin_request();
            // Boxed, so that an idle connection doesn't hold the memory of this future.
            Box::pin(self.respond(request, head))
        });
        let stream = TokioIo::new(ConnectionStream::new(stream, Arc::clone(timeouts)));
        let mut connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(stream, service);
        let mut is_stopping = false;
        // The result of the connection is ignored: a client may disconnect at any time, and its requests are logged.
        while let Some(remaining) = timeouts.remaining() {
            // The connection's phase may change while this waits, and another limit may then apply.
            let remaining = remaining.min(timeouts.shortest());
            tokio::select! {
                biased;
                // Another connection has its place. Nothing of a request is being done.
                () = timeouts.over() => return,
                _ = &mut connection => {
                    let (stream, library_response) = connection.into_parts().io.into_inner().into_parts();
                    // Boxed for the same reason as above.
                    let closing = Box::pin(self.close(stream, timeouts.take_head(), &library_response));
                    timeouts.begin_close();
                    tokio::select! {
                        () = timeouts.over() => return,
                        () = closing => return,
                    }
                }
                () = tokio::time::sleep(remaining) => {}
                // A client that reads nothing gets no error either.
                () = timeouts.cut_off() => return,
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                    if timeouts.is_reading_head() {
                        // No complete request is here to be answered, but the previous response may still be being sent.
                        let _ = tokio::time::timeout(SHUTDOWN_FLUSH_TIMEOUT, connection).await;
                        return;
                    }
                }
            }
        }
    }

    async fn respond(
        &self,
        request: hyper::Request<Incoming>,
        head: RawHead,
    ) -> Result<hyper::Response<TimedBody<BoxBody<Bytes, io::Error>>>, Infallible> {
        let unread = UnreadBody::default();
        let expects_continue = request.headers().contains_key(header::EXPECT);
        let request = self.poem_request(request, &head, &unread);
        let response = self.endpoint.get_response(request).await;
        let cut_off = response.data::<StreamCutOff>().map(|StreamCutOff(token)| token.clone());
        let mut response = hyper::Response::from(response);
        if self.is_extra || unread.is_being_sent(expects_continue).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.timeouts.begin_response(cut_off);
        Ok(response.map(|body| TimedBody { body, timeouts: Arc::clone(&self.timeouts) }))
    }

    /// Converts a request of hyper's to one of poem's. A body that isn't read to its end is put into `unread`.
    fn poem_request(&self, request: hyper::Request<Incoming>, head: &RawHead, unread: &UnreadBody) -> Request {
        let (parts, body) = request.into_parts();
        let (local, remote) = (LocalAddr(self.local.into()), RemoteAddr(self.remote.into()));
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::from(RequestBody::new(body, unread.clone(), &self.timeouts).map_err(io::Error::other).boxed())
        };
        let mut request = Request::from_parts(parts, body);
        // Of these two headers hyper has removed one. RFC 9112, 6.1, calls such a request an attempt at smuggling.
        if request.headers().contains_key(header::TRANSFER_ENCODING) && head.has(&header::CONTENT_LENGTH) {
            request.set_data(MalformedRequest::TwoLengths);
        } else if head.has_bare_line_feed() {
            request.set_data(MalformedRequest::BareLineFeed);
        }
        if self.is_extra {
            request.set_data(BeyondConnectionLimit);
        }
        request
    }

    /// Closes the connection, after a response of our own to a request that hyper could not parse.
    async fn close(&self, mut stream: TcpStream, head: RawHead, library_response: &[u8]) {
        if let Some(response) = malformed::response(self.endpoint.as_ref(), head, library_response).await {
            // An error means that the client has disconnected.
            let _ = tokio::time::timeout(self.keepalive_timeout, stream.write_all(&response)).await;
        }
        let limit = if self.is_extra { EXTRA_CLOSE_TIMEOUT } else { close::DISCARD_TIMEOUT };
        close::close(stream, limit, &self.stop).await;
    }
}

//! An HTTP client that repeats a request when the pooled connection for it was already closed by the server.
//!
//! A server closes idle connections, possibly at the moment when a request is sent. The request is then lost unread, and
//! would have been answered on a new connection.

use std::{
    cell::Cell,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use hyper::http::Extensions;
use hyper_util::client::legacy::{
    self,
    connect::{Connected, Connection, HttpInfo},
};
use reqwest::{RequestBuilder, Response};
use tower::util::MapResponseLayer;

use super::cause::{Cause, cause};

/// The longest time after which a closed connection counts as one that was already closed. A server that closes it later
/// may have read the request and begun to handle it.
const STALE_DETECTION_TIME: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The local address of the connection that the current request has opened.
    static OPENED: Cell<Option<SocketAddr>>;
}

/// An HTTP client with a pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    pooled: reqwest::Client,
    /// A client without a pool, which opens a connection for each request.
    unpooled: reqwest::Client,
}

impl Client {
    /// Builds the client. `settings` is called twice, as it has two clients inside.
    pub(super) fn build(settings: impl Fn() -> reqwest::Result<reqwest::ClientBuilder>) -> reqwest::Result<Self> {
        Ok(Self {
            pooled: settings()?.connector_layer(MapResponseLayer::new(note_opened)).build()?,
            unpooled: settings()?.pool_max_idle_per_host(0).build()?,
        })
    }

    /// Sends a request. If the server had already closed the pooled connection, the request is built again and sent on a new
    /// one.
    pub async fn send(&self, request: impl Fn(&reqwest::Client) -> RequestBuilder) -> reqwest::Result<Response> {
        let begun = Instant::now();
        let sending = async {
            let sent = request(&self.pooled).send().await;
            sent.map_err(|error| (is_stale(&error, OPENED.with(Cell::get)), error))
        };
        match OPENED.scope(Cell::new(None), sending).await {
            Ok(response) => Ok(response),
            Err((true, _)) if begun.elapsed() < STALE_DETECTION_TIME => {
                tracing::debug!("the server had closed a pooled connection; the request is sent on a new one");
                // An error's text would have the URL, whose query may hold a key.
                request(&self.unpooled).send().await.map_err(reqwest::Error::without_url)
            }
            Err((_, error)) => Err(error.without_url()),
        }
    }
}

/// Whether a request failed because its connection was closed and the request had not opened that connection. A request
/// that waits for a new connection uses a pooled one if that becomes free first, so addresses are compared.
fn is_stale(error: &reqwest::Error, opened: Option<SocketAddr>) -> bool {
    let Some(failed) = error.source().and_then(|error| error.downcast_ref::<legacy::Error>()) else { return false };
    let Some(connected) = failed.connect_info() else { return false };
    opened != Some(own_address(connected)) && cause(error) == Cause::Reset
}

/// Notes the local address of a connection that was opened.
fn note_opened<C: Connection>(connection: C) -> C {
    let address = own_address(&connection.connected());
    // Outside of a request: the connection was opened for a request that has got another one meanwhile.
    let _ = OPENED.try_with(|opened| opened.set(Some(address)));
    connection
}

fn own_address(connected: &Connected) -> SocketAddr {
    let mut about = Extensions::new();
    connected.get_extras(&mut about);
    about.get().map_or((Ipv4Addr::UNSPECIFIED, 0).into(), HttpInfo::local_addr)
}

//! Calls over connections that are kept, none of which fails because its server had closed the connection.
//!
//! A server closes a connection that nobody has used for a while, and may do so at the very moment a request is sent.
//! What was sent is then lost unread, and would have been answered on a new connection.

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

/// A connection that was closed before the request was read is found out about as soon as the request has arrived. A
/// server that closes it later has read the request, and may have begun to work on an answer.
const SOON: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Our end of the connection that the call under way has opened.
    static OPENED: Cell<Option<SocketAddr>>;
}

/// The HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    pooled: reqwest::Client,
    /// Opens a connection for each call.
    fresh: reqwest::Client,
}

impl Client {
    /// Makes both clients by the same settings.
    pub(super) fn build(settings: impl Fn() -> reqwest::Result<reqwest::ClientBuilder>) -> reqwest::Result<Self> {
        Ok(Self {
            pooled: settings()?.connector_layer(MapResponseLayer::new(note_opened)).build()?,
            fresh: settings()?.pool_max_idle_per_host(0).build()?,
        })
    }

    /// Sends a request, which is made once more if the connection for it turns out to be closed already.
    pub async fn send(&self, request: impl Fn(&reqwest::Client) -> RequestBuilder) -> reqwest::Result<Response> {
        let begun = Instant::now();
        let sending = async {
            let sent = request(&self.pooled).send().await;
            sent.map_err(|error| (is_stale(&error, OPENED.with(Cell::get)), error))
        };
        match OPENED.scope(Cell::new(None), sending).await {
            Ok(response) => Ok(response),
            Err((true, _)) if begun.elapsed() < SOON => {
                tracing::debug!("a kept connection had been closed; the request is sent on a new one");
                request(&self.fresh).send().await
            }
            Err((_, error)) => Err(error),
        }
    }
}

/// Whether a call failed because a connection was closed that it had not opened itself. A call that waits for a new
/// connection goes on with a kept one when that becomes free sooner, so both addresses are compared.
fn is_stale(error: &reqwest::Error, opened: Option<SocketAddr>) -> bool {
    let Some(failed) = error.source().and_then(|error| error.downcast_ref::<legacy::Error>()) else { return false };
    let Some(connected) = failed.connect_info() else { return false };
    opened != Some(own_address(connected)) && cause(error) == Cause::Reset
}

/// Notes that a connection was opened.
fn note_opened<C: Connection>(connection: C) -> C {
    let address = own_address(&connection.connected());
    // One that is opened for a call that goes on with another is opened outside of it.
    let _ = OPENED.try_with(|opened| opened.set(Some(address)));
    connection
}

fn own_address(connected: &Connected) -> SocketAddr {
    let mut about = Extensions::new();
    connected.get_extras(&mut about);
    about.get().map_or((Ipv4Addr::UNSPECIFIED, 0).into(), HttpInfo::local_addr)
}

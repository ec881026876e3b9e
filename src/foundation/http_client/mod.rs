//! The one HTTP client of the process: kept connections, TLS with the machine's root certificates, no redirects.
//!
//! HTTP/1.1, with a connection for each call at a time: over HTTP/2 all calls to a host would share one connection, on
//! which servers allow about a hundred streams; the rest would wait in a queue that nobody sees.

mod cause;
mod client;

use std::time::Duration;

use secrecy::ExposeSecret;

pub use self::{
    cause::{Cause, cause},
    client::Client,
};
use crate::foundation::config;

/// How long an unused connection is kept. Shorter than the 60 s after which common servers and balancers drop one,
/// so that a turn rarely meets a connection that is about to close.
const IDLE: Duration = Duration::from_secs(50);

/// The client could not be made; nearly always the machine's root certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client could not be set up; are the machine's root certificates installed, and HTTPS_PROXY, SSL_CERT_FILE and SSL_CERT_DIR right?"
)]
pub struct ClientFailure(#[from] reqwest::Error);

/// Makes the client. Timeouts other than that of connecting belong to each call.
pub fn build(connect_timeout: Duration, proxy: &config::Proxy) -> Result<Client, ClientFailure> {
    // An error means that a provider was installed before, in this process: then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::build(|| builder(connect_timeout, proxy))?)
}

#[expect(clippy::disallowed_methods, reason = "the one home of the HTTP client")]
fn builder(connect_timeout: Duration, proxy: &config::Proxy) -> reqwest::Result<reqwest::ClientBuilder> {
    // Not the library's own look at the environment: it would send a call to Papita on this machine, and with it the
    // key, through a proxy that is meant for the world outside.
    let mut builder = reqwest::Client::builder().no_proxy();
    if let Some(address) = &proxy.address {
        let except = reqwest::NoProxy::from_string(&proxy.except);
        builder = builder.proxy(reqwest::Proxy::https(address.expose_secret())?.no_proxy(except));
    }
    Ok(builder
        .user_agent(concat!("al-chat/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true))
}

/// A body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailure {
    /// It was longer than allowed.
    #[error("the answer is longer than the limit")]
    TooLarge,
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Idle,
    /// The connection ended in the middle.
    #[error("the connection was lost")]
    Lost(#[from] reqwest::Error),
}

/// Reads a body of at most `limit` bytes, waiting at most `idle` for each part of it.
pub async fn read_body(response: reqwest::Response, limit: usize, idle: Duration) -> Result<Vec<u8>, ReadFailure> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(ReadFailure::TooLarge);
    }
    read_rest(Vec::with_capacity(announced.unwrap_or(4096).min(limit)), response, limit, Some(idle)).await
}

/// Reads the rest of a body that begins with `start`, at most `limit` bytes in all, waiting at most `idle` for each part
/// of it; without `idle` the caller limits the time.
pub async fn read_rest(
    start: Vec<u8>,
    mut response: reqwest::Response,
    limit: usize,
    idle: Option<Duration>,
) -> Result<Vec<u8>, ReadFailure> {
    let mut body = start;
    loop {
        let chunk = response.chunk();
        let chunk = match idle {
            Some(idle) => tokio::time::timeout(idle, chunk).await.map_err(|_| ReadFailure::Idle)?,
            None => chunk.await,
        };
        let Some(chunk) = chunk? else { return Ok(body) };
        if body.len() + chunk.len() > limit {
            return Err(ReadFailure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}

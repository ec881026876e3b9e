//! The process's HTTP client: pooled connections, TLS with the machine's root certificates or given ones, no redirects.
//!
//! It uses HTTP/1.1, with one request at a time on a connection. With HTTP/2 all requests to a host would share one
//! connection, on which servers allow about a hundred streams; further requests would wait in a queue without metrics.

mod cause;
mod client;
mod retry_after;

use std::{sync::Arc, time::Duration};

use reqwest::dns::Resolve;
use secrecy::ExposeSecret;
use url::Url;

pub use self::{
    cause::{Cause, cause},
    client::Client,
    retry_after::{header_text, retry_after, time_until, wait_of},
};
use crate::foundation::config;

/// How long an idle connection stays in the pool. It is shorter than the 60 s after which common servers and load balancers
/// close one, so that requests rarely get a connection that is about to close.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// An error of building the client; nearly always about the machine's root certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client could not be set up; are the machine's root certificates installed, and HTTPS_PROXY, SSL_CERT_FILE and SSL_CERT_DIR right?"
)]
pub struct ClientFailure(#[from] reqwest::Error);

/// Builds the client. Timeouts other than for connecting are set on each request. Servers are trusted whose certificates are
/// from authorities that this machine trusts; with `roots`, from those alone.
pub fn build(
    connect_timeout: Duration,
    proxy: &config::Proxy,
    roots: Option<&config::TlsRoots>,
) -> Result<Client, ClientFailure> {
    build_with(|| {
        let builder = builder(connect_timeout, proxy)?;
        Ok(match roots {
            Some(roots) => builder.tls_certs_only(roots.certificates()),
            None => builder,
        })
    })
}

/// Builds a client that looks host names up by this resolver. Timeouts other than for connecting are set on each request.
pub fn build_with_resolver(
    connect_timeout: Duration,
    proxy: &config::Proxy,
    resolver: &Arc<impl Resolve + 'static>,
) -> Result<Client, ClientFailure> {
    build_with(|| Ok(builder(connect_timeout, proxy)?.dns_resolver(Arc::clone(resolver))))
}

fn build_with(settings: impl Fn() -> reqwest::Result<reqwest::ClientBuilder>) -> Result<Client, ClientFailure> {
    // An error means that a provider is already installed in this process, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::build(settings)?)
}

#[expect(clippy::disallowed_methods, reason = "the only place that builds an HTTP client")]
fn builder(connect_timeout: Duration, proxy: &config::Proxy) -> reqwest::Result<reqwest::ClientBuilder> {
    // reqwest would read proxies from the environment, and send requests to a Papita on this machine, and so the key,
    // through a proxy that is meant for the internet.
    let mut builder = reqwest::Client::builder().no_proxy();
    if let Some(address) = &proxy.address {
        let except = reqwest::NoProxy::from_string(&proxy.except);
        builder = builder.proxy(reqwest::Proxy::https(address.expose_secret())?.no_proxy(except));
    }
    Ok(builder
        .user_agent(concat!("al-chat/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tcp_nodelay(true))
}

/// Returns the URL of a path below a base URL. A query of the base URL, such as Azure's `api-version`, is kept.
#[must_use]
pub fn url_below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// An error of reading a response's body.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailure {
    /// The body is longer than allowed.
    #[error("the answer is longer than the limit")]
    TooLarge,
    /// No data arrived within the idle timeout.
    #[error("nothing came for too long")]
    Idle,
    /// The connection was closed before the end of the body.
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

/// Reads the rest of a body that begins with `start`, at most `limit` bytes in all, waiting at most `idle` for each part.
/// Without `idle` the caller limits the time.
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
        let Some(chunk) = chunk.map_err(reqwest::Error::without_url)? else { return Ok(body) };
        if body.len() + chunk.len() > limit {
            return Err(ReadFailure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}

//! Static texts, such as pages and scripts: compressed with gzip, and revalidated by an `ETag`.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use poem::{
    Endpoint, Request, Response,
    endpoint::make_sync,
    http::{HeaderValue, StatusCode, header},
};
use sha2::{Digest, Sha256};

/// The media type of pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// A static text with the headers that depend on its type.
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) text: Bytes,
    /// The `Content-Security-Policy` of a page.
    pub(super) policy: Option<HeaderValue>,
}

/// A body, compressed or not, with its `ETag`.
struct Representation {
    body: Bytes,
    etag: String,
}

impl Representation {
    fn new(body: Bytes) -> Self {
        Self { etag: format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&body))), body }
    }

    /// Returns the representation compressed with gzip.
    fn compressed(&self) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.body)?;
        Ok(Self::new(Bytes::from(encoder.finish()?)))
    }
}

/// Returns the endpoint that serves an asset. Browsers cache it and revalidate it at each use.
pub(super) fn serve(Asset { media_type, text, policy }: Asset) -> impl Endpoint<Output = Response> {
    let plain = Representation::new(text);
    // Compressed at the first request that accepts gzip, so that the start of the service does not wait for it.
    let compressed = OnceLock::new();
    make_sync(move |request: Request| {
        let compress = || compressed.get_or_init(|| plain.compressed().ok()).as_ref();
        let compressed = if accepts_gzip(&request) { compress() } else { None };
        let Representation { body, etag } = compressed.unwrap_or(&plain);
        let mut response = Response::builder()
            .header(header::ETAG, etag)
            .header(header::VARY, "accept-encoding")
            .header(header::CACHE_CONTROL, "no-cache");
        if let Some(policy) = &policy {
            response = response.header(header::CONTENT_SECURITY_POLICY, policy);
        }
        if is_cached(&request, etag) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        if compressed.is_some() {
            response = response.header(header::CONTENT_ENCODING, "gzip");
        }
        response.header(header::CONTENT_TYPE, media_type).body(body.clone())
    })
}

/// Whether `If-None-Match` lists an `ETag` (RFC 9110, 13.1.2). Weak tags, which proxies create, count as well.
fn is_cached(request: &Request, etag: &str) -> bool {
    let tags = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether `Accept-Encoding` lists gzip with a weight other than 0 (RFC 9110, 12.5.3). Preferences are ignored.
fn accepts_gzip(request: &Request) -> bool {
    let codings = request.headers().get_all(header::ACCEPT_ENCODING).iter().filter_map(|codings| codings.to_str().ok());
    codings.flat_map(|codings| codings.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.split_once('=').is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

//! Texts that are the same for everybody: compressed for whoever takes that, and not sent again to whoever has them.

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

/// A text to be served.
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) text: Bytes,
    /// Its Content-Security-Policy, if it is a page.
    pub(super) policy: Option<HeaderValue>,
}

/// A text as it is sent, with the tag by which a browser asks whether it is still the same.
struct Sent {
    text: Bytes,
    tag: String,
}

impl Sent {
    fn new(text: Bytes) -> Self {
        Self { tag: format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&text))), text }
    }

    /// The same, compressed.
    fn zipped(&self) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.text)?;
        Ok(Self::new(Bytes::from(encoder.finish()?)))
    }
}

/// Serves a text. Browsers keep it, and ask each time whether it is still the same.
pub(super) fn serve(Asset { media_type, text, policy }: Asset) -> impl Endpoint<Output = Response> {
    let plain = Sent::new(text);
    // Made when it is first asked for: a start shouldn't wait for it.
    let zipped = OnceLock::new();
    make_sync(move |request: Request| {
        let zipped = if takes_gzip(&request) { zipped.get_or_init(|| plain.zipped().ok()).as_ref() } else { None };
        let Sent { text, tag } = zipped.unwrap_or(&plain);
        let mut response = Response::builder()
            .header(header::ETAG, tag)
            .header(header::VARY, "accept-encoding")
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if let Some(policy) = &policy {
            response = response.header(header::CONTENT_SECURITY_POLICY, policy);
        }
        if has_it(&request, tag) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        if zipped.is_some() {
            response = response.header(header::CONTENT_ENCODING, "gzip");
        }
        response.header(header::CONTENT_TYPE, media_type).body(text.clone())
    })
}

/// Whether the client has the text with this tag (RFC 9110, 13.1.2: weak tags, which proxies make, are as good here).
fn has_it(request: &Request, tag: &str) -> bool {
    let tags = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

/// Whether the client takes gzip (RFC 9110, 12.5.3). Who would rather have something else gets it all the same.
fn takes_gzip(request: &Request) -> bool {
    let codings = request.headers().get_all(header::ACCEPT_ENCODING).iter().filter_map(|codings| codings.to_str().ok());
    codings.flat_map(|codings| codings.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.split_once('=').is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

//! Headers of every response that limit what browsers do with it: no guessed media types, no frames, no use by pages of
//! other websites without CORS, no copies of personal answers.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::asset::HTML;

/// The Content-Security-Policy of responses without one of their own, which are no pages: nothing may be loaded or run.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // The portal recognizes its own pages behind TLS by their address.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    // Static files have a `Cache-Control` of their own. What remains may be for one person only.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds the headers that a response has not set itself.
pub(super) fn add(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(|media_type| media_type == HTML) {
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    }
}

//! Which websites may call from a browser (the Fetch standard's CORS protocol).
//!
//! Every answer has exactly one `Access-Control-Allow-Origin`, errors included: a chat window can only show an error
//! that the browser lets it read.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("content-type, authorization, x-session-id, idempotency-key, last-event-id");
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE, OPTIONS");
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("x-request-id, retry-after, link, content-disposition");
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ORIGIN: HeaderValue = HeaderValue::from_static("origin");

/// The origins allowed; none means any, without credentials.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    origins: Vec<HeaderValue>,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
        Self { origins: origins.collect() }
    }

    /// The headers that every answer to a request from `origin` carries. An origin that isn't allowed is told one that
    /// is, so that its browser keeps the answer from it.
    pub(super) fn headers(&self, origin: Option<&HeaderValue>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let (allowed, named) = match (self.origins.first(), origin) {
            (None, _) => (ANY, false),
            (Some(_), Some(origin)) if self.origins.contains(origin) => (origin.clone(), true),
            (Some(first), _) => (first.clone(), true),
        };
        let always =
            [(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed), (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS)];
        let when_named = [(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE), (header::VARY, ORIGIN)];
        always.into_iter().chain(when_named.into_iter().filter(move |_| named))
    }

    /// The further headers of the answer to a preflight.
    pub(super) fn preflight(headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}

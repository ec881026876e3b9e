//! Cross-origin requests: which websites' pages may read answers (CORS, of the Fetch standard).
//!
//! Every answer, errors included, has exactly one `Access-Control-Allow-Origin`, so that a chat window can read and show
//! errors.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use crate::foundation::config::AllowedOrigin;

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, authorization, x-session-id, idempotency-key, last-event-id, x-requested-with",
);
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE, OPTIONS");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, link, content-disposition, ratelimit-policy, ratelimit");
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ORIGIN: HeaderValue = HeaderValue::from_static("origin");

/// The maximum number of refused origins that are logged, so that made-up origins fill neither memory nor log.
const MAX_REPORTED: usize = 50;

/// The allowed origins. An empty list allows every origin, without credentials.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<AllowedOrigin>,
    /// The value of `Access-Control-Allow-Origin` for origins that are not allowed: the first allowed one.
    first: HeaderValue,
    reported: Mutex<HashSet<String>>,
}

impl Cors {
    pub(super) fn new(origins: &[AllowedOrigin]) -> Self {
        let first = origins.first().and_then(|origin| HeaderValue::from_str(&origin.to_string()).ok());
        Self { origins: origins.to_vec(), first: first.unwrap_or(ANY), reported: Mutex::default() }
    }

    /// Whether pages of an origin may read answers.
    pub(super) fn allows(&self, origin: &HeaderValue) -> bool {
        let is_included = |origin: &str| self.origins.iter().any(|own| own.matches(origin));
        self.origins.is_empty() || origin.to_str().is_ok_and(is_included)
    }

    /// Returns the CORS headers of an answer to a request from `origin`. For an origin that is not allowed they name another
    /// one, so that the browser blocks the answer.
    pub(super) fn headers(&self, origin: Option<&HeaderValue>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let is_named = !self.origins.is_empty();
        let allowed = match origin.filter(|origin| is_named && self.allows(origin)) {
            Some(origin) => origin.clone(),
            None => self.first.clone(),
        };
        let always =
            [(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed), (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS)];
        let when_named = [(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE), (header::VARY, ORIGIN)];
        always.into_iter().chain(when_named.into_iter().filter(move |_| is_named))
    }

    /// Adds the headers of an answer to a preflight request.
    pub(super) fn preflight(headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }

    /// Logs the refusal of an origin, once each. Values that no browser sends are not logged.
    pub(super) fn report_refused(&self, origin: &HeaderValue) {
        let Some(origin) = serialized_origin(origin) else { return };
        let is_new = {
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            reported.len() < MAX_REPORTED && reported.insert(origin.clone())
        };
        if !is_new {
            return;
        }
        if origin == "null" {
            tracing::warn!(
                "a page without an origin, from a file or in a sandboxed frame, was refused by CORS; it can only be \
                 allowed by FRONTEND_URL=*, together with all others"
            );
        } else {
            tracing::warn!(%origin, "pages of this website are refused by CORS; to allow them, add it to FRONTEND_URL");
        }
    }
}

/// Parses an `Origin` header: an origin as serialized by browsers, or `null`.
fn serialized_origin(origin: &HeaderValue) -> Option<String> {
    let text = origin.to_str().ok().filter(|text| text.len() <= 300)?;
    let serialized = Url::parse(text).map(|url| url.origin().ascii_serialization());
    (text == "null" || serialized.as_deref() == Ok(text)).then(|| text.to_owned())
}

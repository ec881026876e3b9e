//! Cross-origin requests: which websites' pages may read answers (CORS, of the Fetch standard).
//!
//! Every answer, errors included, has exactly one `Access-Control-Allow-Origin`, so that a chat window can read and show
//! errors.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use crate::{foundation::config::AllowedOrigin, services::sites::Sites};

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, authorization, x-session-id, idempotency-key, last-event-id, x-requested-with, traceparent, tracestate",
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

/// The allowed origins: those of `FRONTEND_URL` and of all sites. Without any, every origin is allowed, without credentials.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<AllowedOrigin>,
    /// The sites; `None` until the service has started.
    sites: Option<Sites>,
    reported: Mutex<HashSet<String>>,
}

impl Cors {
    pub(super) fn new(origins: &[AllowedOrigin], sites: Option<Sites>) -> Self {
        Self { origins: origins.to_vec(), sites, reported: Mutex::default() }
    }

    fn of_sites(&self) -> Arc<[AllowedOrigin]> {
        self.sites.as_ref().map(Sites::origins).unwrap_or_default()
    }

    /// Whether pages of an origin may read answers.
    pub(super) fn allows(&self, origin: &HeaderValue) -> bool {
        self.allows_beside(&self.of_sites(), origin)
    }

    fn allows_beside(&self, of_sites: &[AllowedOrigin], origin: &HeaderValue) -> bool {
        let mut allowed = self.origins.iter().chain(of_sites).peekable();
        allowed.peek().is_none() || origin.to_str().is_ok_and(|origin| allowed.any(|own| own.matches(origin)))
    }

    /// Returns the CORS headers of an answer to a request from `origin`. For an origin that is not allowed they name another
    /// one, so that the browser blocks the answer.
    pub(super) fn headers(&self, origin: Option<&HeaderValue>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let of_sites = self.of_sites();
        let first = self.origins.first().or(of_sites.first());
        let is_named = first.is_some();
        let allowed = match origin.filter(|origin| is_named && self.allows_beside(&of_sites, origin)) {
            Some(origin) => origin.clone(),
            None => first.and_then(|first| HeaderValue::from_str(&first.to_string()).ok()).unwrap_or(ANY),
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
            tracing::warn!(%origin, "pages of this website are refused by CORS; to allow them, add it to FRONTEND_URL or to a site");
        }
    }
}

/// Parses an `Origin` header: an origin as serialized by browsers, or `null`.
fn serialized_origin(origin: &HeaderValue) -> Option<String> {
    let text = origin.to_str().ok().filter(|text| text.len() <= 300)?;
    let serialized = Url::parse(text).map(|url| url.origin().ascii_serialization());
    (text == "null" || serialized.as_deref() == Ok(text)).then(|| text.to_owned())
}

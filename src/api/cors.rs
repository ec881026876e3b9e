//! Which websites may call from a browser (the Fetch standard's CORS protocol).
//!
//! Every answer has exactly one `Access-Control-Allow-Origin`, errors included: a chat window can only show an error
//! that the browser lets it read.

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
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("x-request-id, retry-after, link, content-disposition");
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ORIGIN: HeaderValue = HeaderValue::from_static("origin");

/// So many refused origins are logged; whoever makes up more of them fills no memory and no log.
const MOST_REPORTED: usize = 50;

/// The origins allowed; none means any, without credentials.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<AllowedOrigin>,
    /// What is shown to an origin that isn't allowed. One with an asterisk is no browser's origin.
    first: HeaderValue,
    reported: Mutex<HashSet<String>>,
}

impl Cors {
    pub(super) fn new(origins: &[AllowedOrigin]) -> Self {
        let first = origins.first().and_then(|origin| HeaderValue::from_str(&origin.to_string()).ok());
        Self { origins: origins.to_vec(), first: first.unwrap_or(ANY), reported: Mutex::default() }
    }

    /// Whether browsers let pages of this origin read the answers.
    pub(super) fn allows(&self, origin: &HeaderValue) -> bool {
        let is_included = |origin: &str| self.origins.iter().any(|own| own.matches(origin));
        self.origins.is_empty() || origin.to_str().is_ok_and(is_included)
    }

    /// The headers that every answer to a request from `origin` carries. An origin that isn't allowed is told one that
    /// is, so that its browser keeps the answer from it.
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

    /// The further headers of the answer to a preflight.
    pub(super) fn preflight(headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }

    /// Logs that pages of this origin are refused, once for each. What no browser sends as an origin is left out.
    pub(super) fn report_refused(&self, origin: &HeaderValue) {
        let Some(origin) = readable(origin) else { return };
        let is_new = {
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            reported.len() < MOST_REPORTED && reported.insert(origin.clone())
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

/// An origin in the one form that browsers send.
fn readable(origin: &HeaderValue) -> Option<String> {
    let text = origin.to_str().ok().filter(|text| text.len() <= 300)?;
    let own = Url::parse(text).map(|url| url.origin().ascii_serialization());
    (text == "null" || own.as_deref() == Ok(text)).then(|| text.to_owned())
}

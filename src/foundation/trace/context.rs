//! W3C Trace Context: the headers `traceparent` and `tracestate`.

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is passed on, in bytes: what the specification asks of everybody. It comes from anybody.
const LONGEST_TRACE_STATE: usize = 512;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let text = self.0.get(key)?.to_str().ok()?;
        (key != TRACE_STATE.as_str() || text.len() <= LONGEST_TRACE_STATE).then_some(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Returns the span of the client that the headers of a request name; `None` without a valid one.
pub(super) fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    if !headers.contains_key(TRACE_PARENT) {
        return None;
    }
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(parent)
}

/// Adds a span to the headers of a request, as the parent of what the server does.
pub fn add_to_headers(headers: &mut HeaderMap, span: &SpanContext) {
    let text = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8() & 1);
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(TRACE_PARENT, value);
    }
    let state = span.trace_state().header();
    if let Some(value) = HeaderValue::try_from(state).ok().filter(|value| !value.is_empty()) {
        headers.insert(TRACE_STATE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(parent: &str, state: &str) -> HeaderMap {
        let value = |text: &str| HeaderValue::try_from(text).unwrap();
        [(TRACE_PARENT, value(parent)), (TRACE_STATE, value(state))].into_iter().collect()
    }

    #[test]
    fn a_span_is_passed_on_as_it_came() {
        let came = headers(PARENT, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
        let span = parent(&came).unwrap();
        let mut passed_on = HeaderMap::new();
        add_to_headers(&mut passed_on, &span);
        assert_eq!(passed_on, came);
    }

    #[test]
    fn headers_that_are_not_valid_count_as_missing() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319Z-b7ad6b7169203331-01",
        ] {
            assert!(parent(&headers(text, "")).is_none(), "{text}");
        }
        let long = parent(&headers(PARENT, &format!("a={}", "b".repeat(600)))).unwrap();
        assert_eq!(long.trace_state().header(), "");
        assert!(parent(&HeaderMap::new()).is_none());
    }
}

//! The diagnostic event of each request.

use std::borrow::Cow;

use poem::{
    Request,
    http::{Method, StatusCode},
};

use crate::api::{metrics, problem::Problem, request_context::RequestContext};

/// The longest path in the diagnostics, in characters; longer ones are cut off.
const LONGEST_PATH: usize = 200;

/// Whether monitoring systems request a path regularly.
pub(super) fn is_routine(path: &str) -> bool {
    path == metrics::PATH || path == "/health" || path == "/api/health" || path.starts_with("/api/health/")
}

/// The diagnostic event of a request. It is written on drop, so also when the client disconnects and the request is
/// cancelled.
pub(super) struct RequestEvent {
    pub(super) context: RequestContext,
    method: Method,
    pub(super) path: String,
    pub(super) problem: Option<Problem>,
    status: Option<StatusCode>,
}

impl RequestEvent {
    pub(super) fn new(request: &Request, context: RequestContext) -> Self {
        Self {
            context,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            problem: None,
            status: None,
        }
    }

    pub(super) fn finish(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

/// Returns a path as it is written to the diagnostics: anybody can request long ones without end.
fn shortened(path: &str) -> Cow<'_, str> {
    match path.char_indices().nth(LONGEST_PATH) {
        Some((end, _)) => format!("{}…", &path[..end]).into(),
        None => path.into(),
    }
}

impl Drop for RequestEvent {
    fn drop(&mut self) {
        let status = self.status.map_or(499, |status| status.as_u16());
        let code = self.problem.as_ref().map(|problem| problem.code);
        let cause = self.problem.as_ref().and_then(Problem::cause_chain);
        let request_id = self.context.id.as_str();
        let trace_id = self.context.trace().and_then(|trace| trace.sampled_id()).map(tracing::field::display);
        let method = self.method.as_str();
        let path = &*shortened(&self.path);
        let latency_us = u64::try_from(self.context.arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        // The operator has to act on a refused key, and on a page whose address a proxy hides.
        if status >= 500 || matches!(code, Some("invalid_api_key" | "foreign_origin")) {
            tracing::warn!(request_id, trace_id, method, path, status, code, cause, latency_us, "request");
        } else if is_routine(path) {
            tracing::debug!(request_id, trace_id, method, path, status, code, cause, latency_us, "request");
        } else {
            tracing::info!(request_id, trace_id, method, path, status, code, cause, latency_us, "request");
        }
    }
}

//! The trace of one request.

use std::{borrow::Cow, sync::Arc, time::Instant};

use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind, TraceId},
};

use super::{open_span::OpenSpan, recording::Recording};

/// The trace of one request: its ids, and its spans if it is sampled. Cheap to clone. When the last clone and the last open span
/// are dropped, the spans go to the exporter.
#[derive(Clone, Debug)]
pub struct RequestTrace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: SpanContext,
    /// `None` unless the trace is sampled.
    recording: Option<Arc<Recording>>,
}

impl RequestTrace {
    pub(super) fn new(root: SpanContext, recording: Option<Recording>) -> Self {
        Self(Arc::new(Inner { root, recording: recording.map(Arc::new) }))
    }

    fn recording(&self) -> Option<&Arc<Recording>> {
        self.0.recording.as_ref()
    }

    /// Returns the id of the trace, for the diagnostics; `None` if the trace is not sampled, and so is not to be found anywhere.
    #[must_use]
    pub fn sampled_id(&self) -> Option<TraceId> {
        self.recording().map(|_| self.0.root.trace_id())
    }

    /// Starts a span; `None` if the trace is not sampled.
    #[must_use]
    pub fn start(&self, kind: SpanKind, name: impl FnOnce() -> Cow<'static, str>) -> Option<OpenSpan> {
        self.recording().map(|recording| OpenSpan::new(Arc::clone(recording), kind, name()))
    }

    /// Starts a span of work within this process.
    #[must_use]
    pub fn start_internal(&self, name: &'static str) -> Option<OpenSpan> {
        self.start(SpanKind::Internal, || name.into())
    }

    /// Starts the span of a call to another server.
    #[must_use]
    pub fn start_call(&self, name: &'static str) -> Option<OpenSpan> {
        self.start(SpanKind::Client, || name.into())
    }

    /// Adds attributes to the request's span, which `attributes` makes if the trace is sampled.
    pub fn note(&self, attributes: impl FnOnce() -> Vec<KeyValue>) {
        if let Some(recording) = self.recording() {
            let attributes = attributes();
            recording.lock().root_attributes.extend(attributes);
        }
    }

    /// Notes the code of the error with which the request has failed. Only the first one counts.
    pub fn note_error(&self, code: &'static str) {
        if let Some(recording) = self.recording() {
            recording.lock().error.get_or_insert(code.into());
        }
    }

    /// Notes the end of the request's work. Without this, it ends when the trace is dropped.
    pub fn end(&self) {
        if let Some(recording) = self.recording() {
            recording.lock().ended = Some(Instant::now());
        }
    }
}

/// Returns the span that a server which is called gets as its parent: that of the call, or of the request if the trace is not
/// sampled; `None` without a trace.
#[must_use]
pub fn outgoing<'a>(trace: Option<&'a RequestTrace>, call: Option<&'a OpenSpan>) -> Option<&'a SpanContext> {
    call.map(OpenSpan::context).or_else(|| trace.map(|trace| &trace.0.root))
}

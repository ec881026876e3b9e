//! A span whose work is going on.

use std::{borrow::Cow, sync::Arc, time::Instant};

use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};

use super::recording::{EndedSpan, Recording};

/// A span whose work is going on. It ends when this is dropped. A call to another server that is dropped without
/// [`Self::succeed`] or [`Self::fail`] was given up, and its span says so.
#[derive(Debug)]
pub struct OpenSpan {
    recording: Arc<Recording>,
    context: SpanContext,
    name: Cow<'static, str>,
    kind: SpanKind,
    started: Instant,
    attributes: Vec<KeyValue>,
    error: Option<Cow<'static, str>>,
}

impl OpenSpan {
    pub(super) fn new(recording: Arc<Recording>, kind: SpanKind, name: Cow<'static, str>) -> Self {
        let (context, started) = (recording.new_child(), Instant::now());
        let error = (kind == SpanKind::Client).then_some("cancelled".into());
        Self { recording, context, name, kind, started, attributes: Vec::new(), error }
    }

    /// Returns the ids of the span.
    #[must_use]
    pub fn context(&self) -> &SpanContext {
        &self.context
    }

    /// Adds attributes.
    pub fn set(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.attributes.extend(attributes);
    }

    /// Ends the span of work that succeeded.
    pub fn succeed(mut self) {
        self.error = None;
    }

    /// Ends the span of work that failed with this code.
    pub fn fail(mut self, code: &'static str) {
        self.error = Some(code.into());
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        self.recording.add(EndedSpan {
            context: self.context.clone(),
            name: std::mem::take(&mut self.name),
            kind: self.kind.clone(),
            started: self.started,
            attributes: std::mem::take(&mut self.attributes),
            error: self.error.take(),
        });
    }
}

//! The spans of one trace while they are collected.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

use super::{
    attributes,
    queue::{DropReason, SpanQueue},
};

/// The most spans of one trace below that of the request. A request that asks the guard about each piece of a long answer may have
/// more.
const MAX_CHILDREN: usize = 64;

/// What all traces share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ids: RandomIdGenerator,
    pub(super) queue: SpanQueue,
    pub(super) scope: InstrumentationScope,
}

/// The spans of one sampled trace. When the last holder drops it, its spans go to the exporter.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) shared: Arc<Shared>,
    /// The span of the request.
    pub(super) root: SpanContext,
    /// The client's span, if the client has named one.
    pub(super) parent: Option<SpanContext>,
    /// The arrival of the request, by both clocks.
    pub(super) begun: (Instant, SystemTime),
    pub(super) spans: Mutex<Spans>,
}

/// What is known of the spans so far.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) root_attributes: Vec<KeyValue>,
    pub(super) error: Option<Cow<'static, str>>,
    pub(super) ended: Option<Instant>,
    children: Vec<SpanData>,
    left_out: u64,
}

/// A span that has ended.
pub(super) struct EndedSpan {
    pub(super) context: SpanContext,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    pub(super) started: Instant,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) error: Option<Cow<'static, str>>,
}

impl Recording {
    pub(super) fn lock(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the ids of a new span below that of the request.
    pub(super) fn new_child(&self) -> SpanContext {
        let (id, state) = (self.shared.ids.new_span_id(), self.root.trace_state().clone());
        SpanContext::new(self.root.trace_id(), id, self.root.trace_flags(), false, state)
    }

    /// Adds a span below that of the request, which ends now.
    pub(super) fn add(&self, span: EndedSpan) {
        let data = self.data(span, Instant::now(), (self.root.span_id(), false));
        let mut spans = self.lock();
        if spans.children.len() < MAX_CHILDREN {
            spans.children.push(data);
        } else {
            spans.left_out += 1;
        }
    }

    /// Returns a span in the exporter's form. `parent` is the id of its parent, and whether that is a span of another process.
    fn data(&self, span: EndedSpan, ended: Instant, parent: (SpanId, bool)) -> SpanData {
        let EndedSpan { context, name, kind, started, mut attributes, error } = span;
        let status = if error.is_some() { Status::error("") } else { Status::Unset };
        attributes.extend(error.map(|error| KeyValue::new(attributes::ERROR, error)));
        SpanData {
            span_context: context,
            parent_span_id: parent.0,
            parent_span_is_remote: parent.1,
            span_kind: kind,
            name,
            start_time: self.time_of(started),
            end_time: self.time_of(ended),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: self.shared.scope.clone(),
        }
    }

    /// Returns the wall clock's time of a moment. Durations are right, whatever becomes of that clock meanwhile.
    fn time_of(&self, moment: Instant) -> SystemTime {
        self.begun.1 + moment.saturating_duration_since(self.begun.0)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let spans = std::mem::take(&mut *self.lock());
        let Spans { root_attributes: attributes, error, ended, mut children, left_out } = spans;
        let root = EndedSpan {
            context: self.root.clone(),
            name: attributes::TURN.into(),
            kind: SpanKind::Server,
            started: self.begun.0,
            attributes,
            error,
        };
        let parent = self.parent.as_ref().map_or((SpanId::INVALID, false), |parent| (parent.span_id(), true));
        children.push(self.data(root, ended.unwrap_or_else(Instant::now), parent));
        let queue = &self.shared.queue;
        queue.counters.count_dropped(DropReason::TooManySpans, left_out);
        queue.add(children);
    }
}

//! The beginning of traces, and the decision whether they are sampled.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use opentelemetry::{
    Context, InstrumentationScope,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceFlags},
};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};
use reqwest::header::HeaderMap;

use super::{
    attributes, context,
    queue::SpanQueue,
    recording::{Recording, Shared},
    request_trace::RequestTrace,
};
use crate::foundation::{clock::Clock, config::TraceSampling};

/// What a tracer needs.
#[derive(Debug)]
pub struct TracerSettings {
    /// Which traces are sampled.
    pub sampling: TraceSampling,
    /// The queue of the exporter.
    pub queue: SpanQueue,
    /// The clock.
    pub clock: Clock,
}

/// Begins traces. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sampler: Sampler,
    clock: Clock,
    shared: Arc<Shared>,
}

impl Tracer {
    /// Creates a tracer.
    #[must_use]
    pub fn new(settings: TracerSettings) -> Self {
        let TracerSettings { sampling, queue, clock } = settings;
        let root = Sampler::TraceIdRatioBased(sampling.ratio);
        let sampler = if sampling.follows_parent { Sampler::ParentBased(Box::new(root)) } else { root };
        let scope = InstrumentationScope::builder("al-chat").with_version(env!("CARGO_PKG_VERSION")).build();
        let shared = Arc::new(Shared { ids: RandomIdGenerator::default(), queue, scope });
        Self(Arc::new(Inner { sampler, clock, shared }))
    }

    /// Begins the trace of a request that has arrived at `arrived` with these headers.
    #[must_use]
    pub fn begin(&self, headers: &HeaderMap, arrived: Instant) -> RequestTrace {
        let Inner { sampler, clock, shared } = &*self.0;
        let parent = context::parent(headers);
        let trace_id = parent.as_ref().map_or_else(|| shared.ids.new_trace_id(), SpanContext::trace_id);
        let around = parent.clone().map(|parent| Context::new().with_remote_span_context(parent));
        let SamplingResult { decision, trace_state, .. } =
            sampler.should_sample(around.as_ref(), trace_id, attributes::TURN, &SpanKind::Server, &[], &[]);
        let is_sampled = decision == SamplingDecision::RecordAndSample;
        let flags = TraceFlags::default().with_sampled(is_sampled);
        let root = SpanContext::new(trace_id, shared.ids.new_span_id(), flags, false, trace_state);
        let recording = is_sampled.then(|| {
            let now = clock.now();
            let begun = (arrived, now.checked_sub(arrived.elapsed()).unwrap_or(now).into());
            let (shared, root) = (Arc::clone(shared), root.clone());
            Recording { shared, root, parent, begun, spans: Mutex::default() }
        });
        RequestTrace::new(root, recording)
    }

    /// Returns the queue of the exporter.
    #[must_use]
    pub fn queue(&self) -> &SpanQueue {
        &self.0.shared.queue
    }
}

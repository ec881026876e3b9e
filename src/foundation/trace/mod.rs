//! Traces: the spans of one request, in the form that OpenTelemetry's collectors take.
//!
//! A [`Tracer`] begins a [`RequestTrace`] for a request and decides whether it is sampled. Work that belongs to the request notes
//! its spans there; they are handed to the exporter together once nobody holds the trace any more. A trace that is not sampled
//! records nothing: it only passes its ids on to the servers that are called.

pub mod attributes;
mod context;
mod open_span;
mod queue;
mod recording;
mod request_trace;
mod tracer;

pub use self::{
    context::add_to_headers,
    open_span::OpenSpan,
    queue::{DropReason, SpanCounters, SpanQueue, SpanReceiver},
    request_trace::{RequestTrace, outgoing},
    tracer::{Tracer, TracerSettings},
};

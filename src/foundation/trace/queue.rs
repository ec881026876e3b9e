//! The queue between requests and the exporter. It is bounded: spans that find it full are dropped and counted.

use opentelemetry_sdk::trace::SpanData;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use tokio::sync::mpsc;

/// The number of traces that can wait for the exporter.
const MAX_WAITING: usize = 1024;

/// Why spans were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Too many traces waited for the exporter.
    QueueFull,
    /// One trace had too many spans.
    TooManySpans,
    /// The collector could not be reached or did not take them.
    ExportFailed,
    /// The collector has taken the others of a batch.
    Rejected,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::QueueFull, Self::TooManySpans, Self::ExportFailed, Self::Rejected];

    /// Returns the name in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TooManySpans => "too_many_spans",
            Self::ExportFailed => "export_failed",
            Self::Rejected => "rejected",
        }
    }
}

/// The labels of dropped spans.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DropLabels {
    reason: &'static str,
}

/// The counters of spans. Clones share them.
#[derive(Clone, Debug)]
pub struct SpanCounters {
    /// The spans that a collector has taken.
    pub exported: Counter,
    /// The spans that were dropped.
    pub dropped: Family<DropLabels, Counter>,
}

impl Default for SpanCounters {
    /// Creates the counters. They exist from the start, so that a first event shows as a change.
    fn default() -> Self {
        let this = Self { exported: Counter::default(), dropped: Family::default() };
        for reason in DropReason::ALL {
            this.count_dropped(reason, 0);
        }
        this
    }
}

impl SpanCounters {
    /// Counts spans that were dropped.
    pub fn count_dropped(&self, reason: DropReason, spans: u64) {
        self.dropped.get_or_create(&DropLabels { reason: reason.as_str() }).inc_by(spans);
    }
}

/// The end of the queue at which spans are added. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SpanQueue {
    sender: mpsc::Sender<Vec<SpanData>>,
    /// The counters of spans.
    pub counters: SpanCounters,
}

/// The end of the queue from which the exporter takes spans, those of one trace at a time.
pub type SpanReceiver = mpsc::Receiver<Vec<SpanData>>;

impl SpanQueue {
    /// Creates a queue, and returns both its ends.
    #[must_use]
    pub fn new() -> (Self, SpanReceiver) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self { sender, counters: SpanCounters::default() }, receiver)
    }

    /// Adds the spans of a trace, or drops them if the queue is full. Never waits.
    pub(super) fn add(&self, spans: Vec<SpanData>) {
        if let Err(refused) = self.sender.try_send(spans) {
            let count = refused.into_inner().len() as u64;
            self.counters.count_dropped(DropReason::QueueFull, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::foundation::{
        clock::Clock,
        config::TraceSampling,
        trace::{Tracer, TracerSettings},
    };

    #[test]
    fn spans_that_find_the_queue_full_are_dropped_and_counted() {
        let (queue, mut receiver) = SpanQueue::new();
        let counters = queue.counters.clone();
        let sampling = TraceSampling { follows_parent: false, ratio: 1.0 };
        let tracer = Tracer::new(TracerSettings { sampling, queue, clock: Clock::system(TimeZone::UTC) });
        for _ in 0..MAX_WAITING + 3 {
            drop(tracer.begin(&HeaderMap::new(), std::time::Instant::now()));
        }
        let dropped = |reason| counters.dropped.get_or_create(&DropLabels { reason }).get();
        assert_eq!((receiver.len(), dropped("queue_full")), (MAX_WAITING, 3));
        // Of a trace with too many spans, the first ones and that of the request are kept.
        while receiver.try_recv().is_ok() {}
        let trace = tracer.begin(&HeaderMap::new(), std::time::Instant::now());
        for _ in 0..100 {
            drop(trace.start_internal("work"));
        }
        drop(trace);
        let spans = receiver.try_recv().unwrap();
        assert_eq!((spans.len() as u64, dropped("too_many_spans")), (65, 36));
        assert_eq!(spans.last().unwrap().name, crate::foundation::trace::attributes::TURN);
    }
}

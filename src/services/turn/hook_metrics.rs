//! Metrics of the hooks that turns wait for.

use std::{fmt::Debug, hash::Hash, time::Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// Counts of the calls of a hook by their labels `L`, and times of the calls. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct HookMetrics<L: Labels> {
    calls: Family<L, Counter>,
    seconds: Histogram,
}

/// The labels of a call, with its outcome.
pub(super) trait Labels: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static {}

impl<L: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static> Labels for L {}

/// A call that is going on. A call that is dropped before its end is counted, too: its turn has ended meanwhile.
pub(super) struct RunningCall<'m, L: Labels> {
    metrics: &'m HookMetrics<L>,
    begun: Instant,
    /// The labels of a call that is dropped; `None` once it has ended.
    if_dropped: Option<L>,
}

impl<L: Labels> Default for HookMetrics<L> {
    fn default() -> Self {
        // From 1 ms to 16 s.
        Self { calls: Family::default(), seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)) }
    }
}

impl<L: Labels> HookMetrics<L> {
    /// Adds the metrics of the hook with this name to a registry, with counters for these labels. They exist from the start, so
    /// that a first event shows as a change.
    pub(super) fn register(
        &self,
        hook: &str,
        about_calls: &str,
        labels: impl IntoIterator<Item = L>,
        registry: &mut Registry,
    ) {
        for labels in labels {
            drop(self.calls.get_or_create(&labels));
        }
        registry.register(format!("{hook}_calls"), about_calls, self.calls.clone());
        registry.register(format!("{hook}_seconds"), "Time of a call of the hook", self.seconds.clone());
    }

    /// Begins a call. `if_dropped` are the labels of one that does not end.
    pub(super) fn begin(&self, if_dropped: L) -> RunningCall<'_, L> {
        RunningCall { metrics: self, begun: Instant::now(), if_dropped: Some(if_dropped) }
    }

    fn count(&self, labels: &L, begun: Instant) {
        self.calls.get_or_create(labels).inc();
        self.seconds.observe(begun.elapsed().as_secs_f64());
    }
}

impl<L: Labels> RunningCall<'_, L> {
    /// Counts the call with these labels.
    pub(super) fn end(mut self, labels: &L) {
        self.if_dropped = None;
        self.metrics.count(labels, self.begun);
    }

    /// Does not count the call: the hook was not asked.
    pub(super) fn discard(mut self) {
        self.if_dropped = None;
    }
}

impl<L: Labels> Drop for RunningCall<'_, L> {
    fn drop(&mut self) {
        if let Some(labels) = self.if_dropped.take() {
            self.metrics.count(&labels, self.begun);
        }
    }
}

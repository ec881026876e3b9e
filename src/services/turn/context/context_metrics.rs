//! Metrics of the context hook.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use super::record::{ContextOutcome, ContextRecord};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    outcome: &'static str,
}

/// Counts and times of the calls of the context hook. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::services::turn) struct ContextMetrics {
    calls: Family<CallLabels, Counter>,
    seconds: Histogram,
}

impl Default for ContextMetrics {
    fn default() -> Self {
        // From 1 ms to 16 s.
        Self { calls: Family::default(), seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)) }
    }
}

impl ContextMetrics {
    /// Adds the metrics to a registry. The counters exist from the start, so that a first event shows as a change.
    pub(in crate::services::turn) fn register(&self, registry: &mut Registry) {
        for outcome in ContextOutcome::ALL {
            drop(self.calls.get_or_create(&CallLabels { outcome: outcome.as_str() }));
        }
        let about =
            "Questions that the context hook was asked; used: there were texts that fit; failed: no answer in time";
        registry.register("context_calls", about, self.calls.clone());
        registry.register("context_seconds", "Time of a call of the context hook", self.seconds.clone());
    }

    /// Counts a call.
    pub(super) fn count(&self, ContextRecord { outcome, time, .. }: ContextRecord) {
        self.calls.get_or_create(&CallLabels { outcome: outcome.as_str() }).inc();
        self.seconds.observe(time.as_secs_f64());
    }
}

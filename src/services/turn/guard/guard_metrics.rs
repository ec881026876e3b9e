//! Metrics of the guard.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use super::record::{GuardOutcome, Judgement};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    kind: &'static str,
    verdict: &'static str,
}

/// Counts and times of the guard's judgements. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::services::turn) struct GuardMetrics {
    calls: Family<CallLabels, Counter>,
    seconds: Histogram,
}

impl Default for GuardMetrics {
    fn default() -> Self {
        // From 1 ms to 16 s.
        Self { calls: Family::default(), seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)) }
    }
}

impl GuardMetrics {
    /// Adds the metrics to a registry, with counters for these kinds of texts. They exist from the start, so that a first
    /// event shows as a change.
    pub(in crate::services::turn) fn register(&self, kinds: &[&'static str], registry: &mut Registry) {
        for kind in kinds {
            for outcome in GuardOutcome::ALL {
                drop(self.calls.get_or_create(&CallLabels { kind, verdict: outcome.as_str() }));
            }
        }
        let about = "Texts that the guard was asked about, by its verdict; failed: it gave none";
        registry.register("guard_calls", about, self.calls.clone());
        registry.register("guard_seconds", "Time of a judgement by the guard", self.seconds.clone());
    }

    /// Counts a judgement of a text of this kind.
    pub(super) fn count(&self, kind: &'static str, Judgement { outcome, time, .. }: Judgement) {
        self.calls.get_or_create(&CallLabels { kind, verdict: outcome.as_str() }).inc();
        self.seconds.observe(time.as_secs_f64());
    }
}

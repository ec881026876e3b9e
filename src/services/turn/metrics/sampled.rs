//! Metrics that are read from the parts of the service when they are requested.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::model_counters::ModelLabel;
use crate::domain::breaker::BreakerState;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabel {
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DestinationLabel {
    destination: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabel {
    hook: &'static str,
}

/// Metrics that are set when the metrics are requested.
#[derive(Debug, Default)]
pub(super) struct SampledMetrics {
    running: Gauge,
    waiting: Gauge,
    refused: Counter,
    breakers: Family<ModelLabel, Gauge>,
    hook_breakers: Family<HookLabel, Gauge>,
    papita_queue: Gauge<u64, AtomicU64>,
    papita_dropped: Counter,
    event_queue: Gauge<u64, AtomicU64>,
    events_dropped: Counter,
    missing_log_lines: Gauge<u64, AtomicU64>,
    key_age: Family<ProviderLabel, Gauge<f64, AtomicU64>>,
    writable: Family<DestinationLabel, Gauge>,
    replicas: Gauge<u64, AtomicU64>,
}

/// The state of the service at the time of a request for metrics.
pub(in crate::services::turn) struct Sample<'a> {
    /// The number of running turns.
    pub(in crate::services::turn) running: usize,
    /// The number of turns that wait for a permit.
    pub(in crate::services::turn) waiting: usize,
    /// The number of turns refused since the start because too many were running.
    pub(in crate::services::turn) refused: u64,
    pub(in crate::services::turn) breakers: Vec<(&'a str, BreakerState)>,
    /// The hooks that turns ask, each with the state of its circuit breaker.
    pub(in crate::services::turn) hook_breakers: Vec<(&'static str, BreakerState)>,
    /// The number of usage records that wait for Papita.
    pub(in crate::services::turn) papita_queue: u64,
    /// The number of usage records dropped since the database was made.
    pub(in crate::services::turn) papita_dropped: u64,
    /// The number of events that wait to be sent.
    pub(in crate::services::turn) event_queue: u64,
    /// The number of events dropped since the database was made.
    pub(in crate::services::turn) events_dropped: u64,
    /// The number of lines of the session log that were missing when they were to be counted.
    pub(in crate::services::turn) missing_log_lines: u64,
    /// The providers whose key Papita has returned, each with the time since then.
    pub(in crate::services::turn) key_ages: Vec<(&'a str, Duration)>,
    /// Whether the session log can be written.
    pub(in crate::services::turn) is_log_writable: bool,
    /// Whether the database can be written.
    pub(in crate::services::turn) is_database_writable: bool,
    /// The number of processes that use the database, with this one.
    pub(in crate::services::turn) replicas: u64,
}

impl SampledMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("turns_refused", "Turns refused because too many were running", self.refused.clone());
        registry.register("turns_running", "Turns that are running", self.running.clone());
        registry.register("turns_waiting", "Turns that wait for a permit", self.waiting.clone());
        let breakers = "State of a model's circuit breaker: closed (0), half-open (1), or open (2)";
        registry.register("model_breaker", breakers, self.breakers.clone());
        let breakers = "State of a hook's circuit breaker: closed (0), half-open (1), or open (2)";
        registry.register("hook_breaker", breakers, self.hook_breakers.clone());
        registry.register("papita_queue", "Usage records that wait for Papita", self.papita_queue.clone());
        let dropped = "Usage records dropped since the database was made";
        registry.register("papita_queue_dropped", dropped, self.papita_dropped.clone());
        registry.register("event_queue", "Events that wait to be sent", self.event_queue.clone());
        let dropped = "Events dropped since the database was made";
        registry.register("event_queue_dropped", dropped, self.events_dropped.clone());
        let missing = "Lines of session logs that were missing or unreadable when their turns were to be counted";
        registry.register("session_log_missing_lines", missing, self.missing_log_lines.clone());
        let age = "Time since Papita returned the key in use, by provider; none for other keys";
        registry.register("key_age_seconds", age, self.key_age.clone());
        let writable = "Whether the session log and the database can be written: 1, or 0 while turns are refused";
        registry.register("writable", writable, self.writable.clone());
        registry.register("replicas", "Processes that use the database, this one included", self.replicas.clone());
    }

    pub(super) fn set(&self, sample: &Sample<'_>) {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.running.set(whole(sample.running));
        self.waiting.set(whole(sample.waiting));
        for (model, state) in &sample.breakers {
            self.breakers.get_or_create(&ModelLabel { model: (*model).to_owned() }).set(number_of(*state));
        }
        for (hook, state) in &sample.hook_breakers {
            self.hook_breakers.get_or_create(&HookLabel { hook }).set(number_of(*state));
        }
        self.papita_queue.set(sample.papita_queue);
        self.event_queue.set(sample.event_queue);
        self.missing_log_lines.set(sample.missing_log_lines);
        // A key that was dropped since has no age.
        self.key_age.clear();
        for (provider, age) in &sample.key_ages {
            let label = ProviderLabel { provider: (*provider).to_owned() };
            self.key_age.get_or_create(&label).set(age.as_secs_f64());
        }
        let destinations = [("session_log", sample.is_log_writable), ("database", sample.is_database_writable)];
        for (destination, is_writable) in destinations {
            self.writable.get_or_create(&DestinationLabel { destination }).set(is_writable.into());
        }
        self.replicas.set(sample.replicas);
        // These are counted elsewhere. The counters are raised to that count.
        let counted = [
            (&self.papita_dropped, sample.papita_dropped),
            (&self.events_dropped, sample.events_dropped),
            (&self.refused, sample.refused),
        ];
        for (counter, count) in counted {
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }
}

/// Returns the number of a state in the metrics.
fn number_of(state: BreakerState) -> i64 {
    match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    }
}

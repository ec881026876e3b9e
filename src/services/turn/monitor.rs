//! The current state of all turns, for operators.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    metrics::{Metrics, Sample},
    model_calls::ModelCalls,
    permits::Permits,
};
use crate::{
    adapters::{
        credentials::Credentials,
        hooks::{ContextHook, GuardHook},
        session_log::SessionLog,
        storage::{Destination, Storage},
    },
    domain::breaker::BreakerState,
};

/// Reads the current state of all turns.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) metrics: Arc<Metrics>,
    pub(super) permits: Arc<Permits>,
    pub(super) model_calls: Arc<ModelCalls>,
    /// The owner's guard; `None` without one.
    pub(super) guard: Option<Arc<GuardHook>>,
    /// The owner's context hook; `None` without one.
    pub(super) context: Option<Arc<ContextHook>>,
    /// The keys of each provider, with its name.
    pub(super) credentials: Vec<(String, Credentials)>,
    pub(super) log: SessionLog,
    pub(super) storage: Storage,
    /// The number of lines of the session log that were missing, or could not be read, when they were to be counted.
    pub(super) missing_log_lines: AtomicU64,
}

impl Monitor {
    /// Adds to the number of missing lines of the session log.
    pub(super) fn add_missing_log_lines(&self, lines: u64) {
        self.missing_log_lines.fetch_add(lines, Ordering::Relaxed);
    }

    /// Returns the numbers of turns that run now, and that wait for a permit.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.permits.taken(), self.permits.waiting())
    }

    /// Returns the numbers of records that wait for a destination, and that were dropped since the database was made.
    pub(super) fn queue(&self, destination: Destination) -> (u64, u64) {
        let outbox = self.storage.outbox(destination);
        (outbox.waiting(), outbox.dropped())
    }

    /// Returns all metrics as OpenMetrics text.
    pub(super) fn metrics(&self) -> String {
        let (papita_queue, papita_dropped) = self.queue(Destination::Papita);
        let (event_queue, events_dropped) = self.queue(Destination::Events);
        self.metrics.encode(&Sample {
            running: self.permits.taken(),
            waiting: self.permits.waiting(),
            refused: self.permits.refused(),
            breakers: self.model_calls.breaker_states(),
            hook_breakers: self.hook_breakers(),
            papita_queue,
            papita_dropped,
            event_queue,
            events_dropped,
            missing_log_lines: self.missing_log_lines.load(Ordering::Relaxed),
            key_ages: self.key_ages(),
            is_log_writable: self.log.ensure_writable().is_ok(),
            is_database_writable: self.storage.is_writable(),
            replicas: self.storage.replicas(),
        })
    }

    /// Returns the state of the circuit breaker of each hook that turns ask.
    pub(super) fn hook_breakers(&self) -> Vec<(&'static str, BreakerState)> {
        let guard = self.guard.as_ref().map(|hook| ("guard", hook.breaker_state()));
        let context = self.context.as_ref().map(|hook| ("context", hook.breaker_state()));
        guard.into_iter().chain(context).collect()
    }

    fn key_ages(&self) -> Vec<(&str, Duration)> {
        self.credentials.iter().filter_map(|(name, keys)| Some((name.as_str(), keys.age_of_papita_key()?))).collect()
    }
}

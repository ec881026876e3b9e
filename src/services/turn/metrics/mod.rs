//! Metrics of turns in the OpenMetrics text format.

mod model_counters;
mod sampled;

use std::{borrow::Cow, collections::HashMap, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use uuid::Uuid;

pub(super) use self::sampled::Sample;
use self::{
    model_counters::{CodeLabels, ModelCounters, ModelFamilies},
    sampled::SampledMetrics,
};
use crate::{
    adapters::{
        session_log::SessionLog,
        storage::{Storage, TurnRecord},
    },
    domain::{chat::Finish, cost::dollars, feedback::Rating, limits::LimitScope},
    foundation::{
        config::{Config, Limits},
        trace::SpanCounters,
    },
    services::turn::{context::ContextLabels, guard::GuardLabels, hook_metrics::HookMetrics},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProcessLabels {
    instance: String,
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    model: String,
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RatingLabel {
    rating: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScopeLabel {
    limit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
    unit: &'static str,
    window: &'static str,
}

/// The times of one turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnTimes {
    /// The time from the request's arrival to the end of the turn, without that of calls to models and hooks; `None` if the
    /// turn ended before it could ask a model.
    pub(super) overhead: Option<Duration>,
    /// The time from the request's arrival to the first text; `None` without text.
    pub(super) first_word: Option<Duration>,
}

/// A stream that counts as open until this is dropped.
#[derive(Debug)]
pub(super) struct OpenStream(Gauge);

/// The metrics of all turns: counters and histograms that each turn updates, and gauges that are read on request.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    families: ModelFamilies,
    models: HashMap<String, ModelCounters>,
    limited: Family<LimitLabels, Counter>,
    admitted: Family<ScopeLabel, Counter>,
    /// The counters of that family, so that a turn looks for none.
    admitted_by_scope: [(LimitScope, Counter); LimitScope::OF_TURNS.len()],
    feedback: Family<RatingLabel, Counter>,
    turn_seconds: Histogram,
    overhead_seconds: Histogram,
    first_word_seconds: Histogram,
    open_streams: Gauge,
    sampled: SampledMetrics,
}

impl Metrics {
    /// Creates the metrics of the process with this id, with counters for these models and the settings' limits. `providers` are
    /// models with their providers; none if there is only one provider.
    pub(super) fn new<'a>(
        instance: Uuid,
        models: impl IntoIterator<Item = &'a str>,
        providers: impl Iterator<Item = (&'a str, &'a str)>,
        config: &Config,
        guard: &HookMetrics<GuardLabels>,
        context: &HookMetrics<ContextLabels>,
    ) -> Self {
        let (families, admitted) = (ModelFamilies::default(), Family::<ScopeLabel, Counter>::default());
        let counter_of = |scope: LimitScope| admitted.get_or_create(&ScopeLabel { limit: scope.as_str() }).clone();
        // From 5 ms to 164 s.
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.0, 16));
        let mut this = Self {
            registry: Registry::with_prefix("al_chat"),
            models: models
                .into_iter()
                .inspect(|model| families.start_urgent_errors(model))
                .map(|model| (model.to_owned(), families.counters(model)))
                .collect(),
            families,
            limited: limit_counters(&config.limits),
            admitted_by_scope: LimitScope::OF_TURNS.map(|scope| (scope, counter_of(scope))),
            admitted,
            feedback: feedback_counters(),
            turn_seconds: seconds(),
            // From 0.1 ms to 3 s.
            overhead_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            first_word_seconds: seconds(),
            open_streams: Gauge::default(),
            sampled: SampledMetrics::default(),
        };
        this.register_process(instance);
        this.register_providers(providers);
        this.register_counted();
        if let Some(settings) = &config.hooks.guard {
            let kinds = if settings.answers { &["question", "answer"][..] } else { &["question"] };
            let about =
                "Texts that the guard was asked about, by its verdict; failed: it gave none before the turn ended";
            guard.register("guard", about, GuardLabels::all(kinds), &mut this.registry);
        }
        if config.hooks.context.is_some() {
            let about = "Questions that the context hook was asked; used: there were texts that fit; failed: no answer in time, \
                 or before the turn ended";
            context.register("context", about, ContextLabels::all(), &mut this.registry);
        }
        this.sampled.register(&mut this.registry);
        this
    }

    fn register_process(&mut self, instance: Uuid) {
        let process = Family::<ProcessLabels, Gauge>::default();
        let labels = ProcessLabels { instance: instance.to_string(), version: env!("CARGO_PKG_VERSION") };
        process.get_or_create(&labels).set(1);
        let about = "1: the process with this id in its lines of the session log, and its version";
        self.registry.register("process_info", about, process);
    }

    fn register_providers<'a>(&mut self, providers: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut providers = providers.peekable();
        if providers.peek().is_none() {
            return;
        }
        let family = Family::<ProviderLabels, Gauge>::default();
        for (model, provider) in providers {
            let labels = ProviderLabels { model: model.to_owned(), provider: provider.to_owned() };
            family.get_or_create(&labels).set(1);
        }
        self.registry.register("model_provider", "1: the model is called at this provider", family);
    }

    fn register_counted(&mut self) {
        let (registry, families) = (&mut self.registry, &self.families);
        registry.register("turns", "Turns that have ended", families.turns.clone());
        registry.register("turn_errors", "Turns that have ended without an answer", families.errors.clone());
        registry.register("tokens", "Tokens read and written by models in turns", families.tokens.clone());
        registry.register("cost_usd", "Cost of turns in US dollars, as far as prices are known", families.cost.clone());
        let limited = "Turns refused because a limit of usage was reached";
        registry.register("turns_limited", limited, self.limited.clone());
        let admitted = "Turns that were admitted by limits, at each one that applied; one whose history then found no room is refused, too";
        registry.register("turns_admitted", admitted, self.admitted.clone());
        let feedback = "Ratings of answers, changed ones included";
        registry.register("feedback", feedback, self.feedback.clone());
        registry.register("model_attempts", "Calls to models, repetitions included", families.attempts.clone());
        registry.register("turn_seconds", "From a request's arrival to its turn's end", self.turn_seconds.clone());
        let overhead = "From a request's arrival to its turn's end, without the time of calls to models and hooks";
        registry.register("turn_overhead_seconds", overhead, self.overhead_seconds.clone());
        let first_word = self.first_word_seconds.clone();
        registry.register("first_word_seconds", "From a request's arrival to the answer's first word", first_word);
        let open_streams = "Streamed turns that are running, with those that wait for a permit";
        registry.register("streams_open", open_streams, self.open_streams.clone());
    }

    /// Adds the times of writes to the session log and to the database.
    pub(super) fn register_writes(&mut self, log: &SessionLog, storage: &Storage) {
        let about = "Time of a write of lines to the session log, which may be those of several turns";
        self.registry.register("session_log_write_seconds", about, log.write_seconds().clone());
        let about = "Time of a transaction that stores turns, which may be several";
        self.registry.register("database_write_seconds", about, storage.write_seconds().clone());
    }

    /// Adds the counters of spans.
    pub(super) fn register_spans(&mut self, counters: &SpanCounters) {
        self.registry.register("spans_exported", "Spans that the collector has taken", counters.exported.clone());
        let about =
            "Spans that were dropped: the collector was away or too slow, had rejected them, or one trace had too many";
        self.registry.register("spans_dropped", about, counters.dropped.clone());
    }

    /// Returns the counters of a model. One that was not known at the start, such as that of a persona that was added since,
    /// has counters from its first event on.
    fn counters(&self, model: &str) -> Cow<'_, ModelCounters> {
        self.models.get(model).map_or_else(|| Cow::Owned(self.families.counters(model)), Cow::Borrowed)
    }

    /// Counts a call to a model.
    pub(super) fn count_attempt(&self, model: &str) {
        self.counters(model).attempts.inc();
    }

    /// Counts a turn that the limits of these scopes have admitted.
    pub(super) fn count_admitted(&self, scopes: impl Iterator<Item = LimitScope>) {
        for scope in scopes {
            if let Some((_, admitted)) = self.admitted_by_scope.iter().find(|(of_scope, _)| *of_scope == scope) {
                admitted.inc();
            }
        }
    }

    /// Counts a turn that a limit has refused.
    pub(super) fn count_limited(&self, limit: &'static str, unit: &'static str, window: &'static str) {
        self.limited.get_or_create(&LimitLabels { limit, unit, window }).inc();
    }

    /// Counts a rating.
    pub(super) fn count_feedback(&self, rating: Rating) {
        self.feedback.get_or_create(&RatingLabel { rating: rating.as_str() }).inc();
    }

    /// Counts a turn that has ended. To be called when its line is written, and before the database gets the turn:
    /// `al-chat log reconcile` relies on it that all turns in the database are counted here.
    ///
    /// `times` are unknown for a turn that an earlier process has begun.
    pub(super) fn count_turn(&self, turn: &TurnRecord, finish: Finish, times: Option<TurnTimes>) {
        let counters = self.counters(&turn.model);
        if let Some((_, turns)) = counters.turns.iter().find(|(of_finish, _)| *of_finish == finish) {
            turns.inc();
        }
        if let Some(code) = &turn.code {
            let labels = CodeLabels { model: turn.model.clone(), code: code.to_string() };
            self.families.errors.get_or_create(&labels).inc();
        }
        counters.prompt_tokens.inc_by(turn.usage.prompt);
        counters.completion_tokens.inc_by(turn.usage.completion);
        counters.cost.inc_by(dollars(turn.cost.total()));
        self.turn_seconds.observe(turn.latency.as_secs_f64());
        if let Some(overhead) = times.and_then(|times| times.overhead) {
            self.overhead_seconds.observe(overhead.as_secs_f64());
        }
        if let Some(first_word) = times.and_then(|times| times.first_word) {
            self.first_word_seconds.observe(first_word.as_secs_f64());
        }
    }

    /// Counts a stream as open until the returned value is dropped.
    pub(super) fn open_stream(&self) -> OpenStream {
        self.open_streams.inc();
        OpenStream(self.open_streams.clone())
    }

    /// Returns all metrics as OpenMetrics text.
    pub(super) fn encode(&self, sample: &Sample<'_>) -> String {
        self.sampled.set(sample);
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Returns the counters of ratings. They exist from the start.
fn feedback_counters() -> Family<RatingLabel, Counter> {
    let family = Family::default();
    for rating in Rating::ALL {
        drop(family.get_or_create(&RatingLabel { rating: rating.as_str() }));
    }
    family
}

/// Returns the counters of the limits that are set. They exist from the start, as those of models do; those of tenants are
/// made at the first refusal.
fn limit_counters(limits: &Limits) -> Family<LimitLabels, Counter> {
    let family = Family::default();
    let of_scope = |scope: LimitScope| {
        let limits = scope.limits(limits).into_iter().flat_map(|limits| limits.list.iter());
        limits.map(move |limit| (scope, limit))
    };
    for (scope, limit) in LimitScope::OF_TURNS.into_iter().flat_map(of_scope) {
        let (unit, window) = (limit.unit.as_str(), limit.window.as_str());
        drop(family.get_or_create(&LimitLabels { limit: scope.as_str(), unit, window }));
    }
    family
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

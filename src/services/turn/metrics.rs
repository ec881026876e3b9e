//! Metrics of turns in the OpenMetrics text format.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::{Atomic, Counter},
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use uuid::Uuid;

use crate::{
    adapters::storage::TurnRecord,
    domain::{
        breaker::BreakerState,
        chat::Finish,
        cost::{dollars, pico_dollars},
        feedback::Rating,
        limits::LimitScope,
    },
    foundation::config::{Config, Limits},
    services::turn::{context::ContextMetrics, guard::GuardMetrics},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FinishLabels {
    model: String,
    finish: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    model: String,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProcessLabels {
    instance: String,
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabel {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    model: String,
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    model: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RatingLabel {
    rating: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
    unit: &'static str,
    window: &'static str,
}

/// The metrics of all turns: counters and histograms that each turn updates, and gauges that are read on request.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    families: Families,
    models: HashMap<String, ModelCounters>,
    limited: Family<LimitLabels, Counter>,
    feedback: Family<RatingLabel, Counter>,
    turn_seconds: Histogram,
    first_word_seconds: Histogram,
    sampled: SampledMetrics,
}

/// The counters of all models by their labels.
#[derive(Debug, Default)]
struct Families {
    turns: Family<FinishLabels, Counter>,
    errors: Family<CodeLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<ModelLabel, CostCounter>,
    attempts: Family<ModelLabel, Counter>,
}

/// A counter of US dollars, whose sums are exact.
type CostCounter = Counter<f64, PicoDollars>;

/// The pico-dollars of a [`CostCounter`].
#[derive(Debug, Default)]
struct PicoDollars(AtomicU64);

impl Atomic<f64> for PicoDollars {
    fn inc(&self) -> f64 {
        self.inc_by(1.0)
    }

    fn inc_by(&self, usd: f64) -> f64 {
        dollars(self.0.fetch_add(pico_dollars(usd), Ordering::Relaxed))
    }

    fn get(&self) -> f64 {
        dollars(self.0.load(Ordering::Relaxed))
    }
}

/// The counters of one model. They exist from the start, so that a first event shows as a change.
#[derive(Clone, Debug)]
struct ModelCounters {
    turns: [(Finish, Counter); Finish::ALL.len()],
    prompt_tokens: Counter,
    completion_tokens: Counter,
    cost: CostCounter,
    attempts: Counter,
}

/// Metrics that are set when the metrics are requested.
#[derive(Debug, Default)]
struct SampledMetrics {
    running: Gauge,
    waiting: Gauge,
    refused: Counter,
    breakers: Family<ModelLabel, Gauge>,
    papita_queue: Gauge<u64, AtomicU64>,
    papita_dropped: Counter,
    event_queue: Gauge<u64, AtomicU64>,
    events_dropped: Counter,
    missing_log_lines: Gauge<u64, AtomicU64>,
}

/// The state of the service at the time of a request for metrics.
pub(super) struct Sample<'a> {
    /// The number of running turns.
    pub(super) running: usize,
    /// The number of turns that wait for a permit.
    pub(super) waiting: usize,
    /// The number of turns refused since the start because too many were running.
    pub(super) refused: u64,
    pub(super) breakers: Vec<(&'a str, BreakerState)>,
    /// The number of usage records that wait for Papita.
    pub(super) papita_queue: u64,
    /// The number of usage records dropped since the database was made.
    pub(super) papita_dropped: u64,
    /// The number of events that wait to be sent.
    pub(super) event_queue: u64,
    /// The number of events dropped since the database was made.
    pub(super) events_dropped: u64,
    /// The number of lines of the session log that were missing when they were to be counted.
    pub(super) missing_log_lines: u64,
}

impl Metrics {
    /// Creates the metrics of the process with this id, with counters for these models and the settings' limits. `providers` are
    /// models with their providers; none if there is only one provider.
    pub(super) fn new<'a>(
        instance: Uuid,
        models: impl IntoIterator<Item = &'a str>,
        providers: impl Iterator<Item = (&'a str, &'a str)>,
        config: &Config,
        guard: &GuardMetrics,
        context: &ContextMetrics,
    ) -> Self {
        let families = Families::default();
        // From 5 ms to 164 s.
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.0, 16));
        let mut this = Self {
            registry: Registry::with_prefix("al_chat"),
            models: models.into_iter().map(|model| (model.to_owned(), families.counters(model))).collect(),
            families,
            limited: limit_counters(&config.limits),
            feedback: feedback_counters(),
            turn_seconds: seconds(),
            first_word_seconds: seconds(),
            sampled: SampledMetrics::default(),
        };
        this.register_process(instance);
        this.register_providers(providers);
        this.register_counted();
        if let Some(settings) = &config.hooks.guard {
            let kinds = if settings.answers { &["question", "answer"][..] } else { &["question"] };
            guard.register(kinds, &mut this.registry);
        }
        if config.hooks.context.is_some() {
            context.register(&mut this.registry);
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
        let feedback = "Ratings of answers, changed ones included";
        registry.register("feedback", feedback, self.feedback.clone());
        registry.register("model_attempts", "Calls to models, repetitions included", families.attempts.clone());
        registry.register("turn_seconds", "From a request's arrival to its turn's end", self.turn_seconds.clone());
        let first_word = self.first_word_seconds.clone();
        registry.register("first_word_seconds", "From a request's arrival to the answer's first word", first_word);
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
    /// `first_word` is the time from the request's arrival to the first text; `None` without text.
    pub(super) fn count_turn(&self, turn: &TurnRecord, finish: Finish, first_word: Option<Duration>) {
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
        if let Some(first_word) = first_word {
            self.first_word_seconds.observe(first_word.as_secs_f64());
        }
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

impl Families {
    /// Returns the counters of a model, which are made if there are none.
    fn counters(&self, model: &str) -> ModelCounters {
        let label = ModelLabel { model: model.to_owned() };
        let of_kind = |kind| self.tokens.get_or_create_owned(&TokenLabels { model: model.to_owned(), kind });
        let of_finish = |finish: Finish| {
            let labels = FinishLabels { model: model.to_owned(), finish: finish.as_str() };
            (finish, self.turns.get_or_create_owned(&labels))
        };
        ModelCounters {
            turns: Finish::ALL.map(of_finish),
            prompt_tokens: of_kind("prompt"),
            completion_tokens: of_kind("completion"),
            cost: self.cost.get_or_create_owned(&label),
            attempts: self.attempts.get_or_create_owned(&label),
        }
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

impl SampledMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("turns_refused", "Turns refused because too many were running", self.refused.clone());
        registry.register("turns_running", "Turns that are running", self.running.clone());
        registry.register("turns_waiting", "Turns that wait for a permit", self.waiting.clone());
        let breakers = "State of a model's circuit breaker: closed (0), half-open (1), or open (2)";
        registry.register("model_breaker", breakers, self.breakers.clone());
        registry.register("papita_queue", "Usage records that wait for Papita", self.papita_queue.clone());
        let dropped = "Usage records dropped since the database was made";
        registry.register("papita_queue_dropped", dropped, self.papita_dropped.clone());
        registry.register("event_queue", "Events that wait to be sent", self.event_queue.clone());
        let dropped = "Events dropped since the database was made";
        registry.register("event_queue_dropped", dropped, self.events_dropped.clone());
        let missing = "Lines of session logs that were missing or unreadable when their turns were to be counted";
        registry.register("session_log_missing_lines", missing, self.missing_log_lines.clone());
    }

    fn set(&self, sample: &Sample<'_>) {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.running.set(whole(sample.running));
        self.waiting.set(whole(sample.waiting));
        for (model, state) in &sample.breakers {
            let state = match state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            self.breakers.get_or_create(&ModelLabel { model: (*model).to_owned() }).set(state);
        }
        self.papita_queue.set(sample.papita_queue);
        self.event_queue.set(sample.event_queue);
        self.missing_log_lines.set(sample.missing_log_lines);
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

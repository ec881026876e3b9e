//! Numbers for those who watch the service, in the OpenMetrics text format.

use std::{sync::atomic::AtomicU64, time::Duration};

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

use crate::{chat::Finish, cost::TokenUsage, model::BreakerState};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    model: String,
    finish: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    model: String,
    kind: &'static str,
}

/// What is counted of turns, and what is looked up when somebody asks.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    turns: Family<Ended, Counter>,
    tokens: Family<Tokens, Counter>,
    attempts: Family<OfModel, Counter>,
    turn_seconds: Histogram,
    first_word_seconds: Histogram,
    running: Gauge,
    waiting: Gauge,
    breakers: Family<OfModel, Gauge>,
    papita_queue: Gauge<u64, AtomicU64>,
    papita_dropped: Gauge<u64, AtomicU64>,
}

/// One turn that has ended.
pub(super) struct EndedTurn<'a> {
    pub(super) model: &'a str,
    pub(super) finish: Finish,
    pub(super) usage: TokenUsage,
    pub(super) attempts: u32,
    pub(super) latency: Duration,
    pub(super) first_word: Option<Duration>,
}

/// The state of things at this moment.
pub(super) struct Now<'a> {
    pub(super) running: usize,
    pub(super) waiting: usize,
    pub(super) breakers: Vec<(&'a str, BreakerState)>,
    pub(super) papita_queue: (u64, u64),
}

impl Metrics {
    pub(super) fn new() -> Self {
        // From 5 ms to 82 s.
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.0, 15));
        let mut this = Self {
            registry: Registry::with_prefix("al_chat"),
            turns: Family::default(),
            tokens: Family::default(),
            attempts: Family::default(),
            turn_seconds: seconds(),
            first_word_seconds: seconds(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            breakers: Family::default(),
            papita_queue: Gauge::default(),
            papita_dropped: Gauge::default(),
        };
        this.register();
        this
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("turns", "Turns that have ended", self.turns.clone());
        registry.register("tokens", "Tokens read and written by models", self.tokens.clone());
        registry.register("model_attempts", "Calls to models, repetitions included", self.attempts.clone());
        registry.register("turn_seconds", "From a request's arrival to its turn's end", self.turn_seconds.clone());
        let first_word = self.first_word_seconds.clone();
        registry.register("first_word_seconds", "From a request's arrival to the answer's first word", first_word);
        registry.register("turns_running", "Turns under way", self.running.clone());
        registry.register("turns_waiting", "Turns that wait for a place", self.waiting.clone());
        let breakers = "Whether a model is asked (0), tried by a single call (1), or left alone (2)";
        registry.register("model_breaker", breakers, self.breakers.clone());
        registry.register("papita_queue", "Usage records that wait for Papita", self.papita_queue.clone());
        let dropped = "Usage records dropped because too many waited";
        registry.register("papita_queue_dropped", dropped, self.papita_dropped.clone());
    }

    pub(super) fn count(&self, turn: &EndedTurn<'_>) {
        let model = || turn.model.to_owned();
        self.turns.get_or_create(&Ended { model: model(), finish: turn.finish.as_str() }).inc();
        for (kind, tokens) in [("prompt", turn.usage.prompt), ("completion", turn.usage.completion)] {
            self.tokens.get_or_create(&Tokens { model: model(), kind }).inc_by(tokens);
        }
        self.attempts.get_or_create(&OfModel { model: model() }).inc_by(u64::from(turn.attempts));
        self.turn_seconds.observe(turn.latency.as_secs_f64());
        if let Some(first_word) = turn.first_word {
            self.first_word_seconds.observe(first_word.as_secs_f64());
        }
    }

    /// All numbers as OpenMetrics text.
    pub(super) fn encode(&self, now: &Now<'_>) -> String {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.running.set(whole(now.running));
        self.waiting.set(whole(now.waiting));
        for (model, state) in &now.breakers {
            let state = match state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            self.breakers.get_or_create(&OfModel { model: (*model).to_owned() }).set(state);
        }
        let (waiting, dropped) = now.papita_queue;
        self.papita_queue.set(waiting);
        self.papita_dropped.set(dropped);
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

//! Numbers for those who watch the service, in the OpenMetrics text format.

use std::{collections::HashMap, sync::atomic::AtomicU64, time::Duration};

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

use crate::{
    adapters::model::BreakerState,
    domain::{chat::Finish, cost::TokenUsage},
};

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
    models: HashMap<String, Counters>,
    turn_seconds: Histogram,
    first_word_seconds: Histogram,
    running: Gauge,
    waiting: Gauge,
    breakers: Family<OfModel, Gauge>,
    papita_queue: Gauge<u64, AtomicU64>,
    papita_dropped: Counter,
    refused: Counter,
}

/// What is counted for each model. There from the start, so that the first of a kind shows as a change.
#[derive(Debug)]
struct Counters {
    turns: [(Finish, Counter); Finish::ALL.len()],
    prompt_tokens: Counter,
    completion_tokens: Counter,
    attempts: Counter,
}

/// One turn that has ended.
pub(super) struct EndedTurn<'a> {
    pub(super) model: &'a str,
    pub(super) finish: Finish,
    pub(super) usage: TokenUsage,
    pub(super) latency: Duration,
    pub(super) first_word: Option<Duration>,
}

/// The state of things at this moment.
pub(super) struct Now<'a> {
    pub(super) running: usize,
    pub(super) waiting: usize,
    pub(super) refused: u64,
    pub(super) breakers: Vec<(&'a str, BreakerState)>,
    pub(super) papita_queue: (u64, u64),
}

impl Metrics {
    /// For turns of these models.
    pub(super) fn new<'a>(models: impl IntoIterator<Item = &'a str>) -> Self {
        let (turns, tokens, attempts) = (Family::default(), Family::default(), Family::default());
        let counters = |model: &str| {
            let model = model.to_owned();
            let of_kind = |kind| tokens.get_or_create_owned(&Tokens { model: model.clone(), kind });
            let of_finish = |finish: Finish| {
                let ended = Ended { model: model.clone(), finish: finish.as_str() };
                (finish, turns.get_or_create_owned(&ended))
            };
            Counters {
                turns: Finish::ALL.map(of_finish),
                prompt_tokens: of_kind("prompt"),
                completion_tokens: of_kind("completion"),
                attempts: attempts.get_or_create_owned(&OfModel { model: model.clone() }),
            }
        };
        // From 5 ms to 164 s.
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.0, 16));
        let mut this = Self {
            registry: Registry::with_prefix("al_chat"),
            models: models.into_iter().map(|model| (model.to_owned(), counters(model))).collect(),
            turn_seconds: seconds(),
            first_word_seconds: seconds(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            breakers: Family::default(),
            papita_queue: Gauge::default(),
            papita_dropped: Counter::default(),
            refused: Counter::default(),
        };
        this.register(turns, tokens, attempts);
        this
    }

    fn register(
        &mut self,
        turns: Family<Ended, Counter>,
        tokens: Family<Tokens, Counter>,
        attempts: Family<OfModel, Counter>,
    ) {
        let registry = &mut self.registry;
        registry.register("turns", "Turns that have ended", turns);
        registry.register("tokens", "Tokens read and written by models in turns", tokens);
        registry.register("model_attempts", "Calls to models, repetitions included", attempts);
        registry.register("turn_seconds", "From a request's arrival to its turn's end", self.turn_seconds.clone());
        let first_word = self.first_word_seconds.clone();
        registry.register("first_word_seconds", "From a request's arrival to the answer's first word", first_word);
        registry.register("turns_refused", "Turns refused because too many were under way", self.refused.clone());
        registry.register("turns_running", "Turns under way", self.running.clone());
        registry.register("turns_waiting", "Turns that wait for a place", self.waiting.clone());
        let breakers = "Whether a model is asked (0), tried by a single call (1), or left alone (2)";
        registry.register("model_breaker", breakers, self.breakers.clone());
        registry.register("papita_queue", "Usage records that wait for Papita", self.papita_queue.clone());
        let dropped = "Usage records dropped because too many waited";
        registry.register("papita_queue_dropped", dropped, self.papita_dropped.clone());
    }

    /// A model is asked.
    pub(super) fn count_attempt(&self, model: &str) {
        if let Some(counters) = self.models.get(model) {
            counters.attempts.inc();
        }
    }

    pub(super) fn count(&self, turn: &EndedTurn<'_>) {
        if let Some(counters) = self.models.get(turn.model) {
            if let Some((_, turns)) = counters.turns.iter().find(|(finish, _)| *finish == turn.finish) {
                turns.inc();
            }
            counters.prompt_tokens.inc_by(turn.usage.prompt);
            counters.completion_tokens.inc_by(turn.usage.completion);
        }
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
        // Counted elsewhere since the start; here they are brought up to that.
        for (counter, count) in [(&self.papita_dropped, dropped), (&self.refused, now.refused)] {
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

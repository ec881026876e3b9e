//! Leaves a failing model alone: after too many failures calls are refused at once for a while, then a single call
//! tries it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::ModelFailure;
use crate::config;

/// Calls are judged in slices of this length, so that old ones are forgotten a few at a time.
const SLICE: Duration = Duration::from_secs(3);

/// So many slices, half a minute, are judged together.
const SLICES: usize = 10;

/// Fewer calls than this are too few to judge by.
const LEAST_CALLS: u32 = 10;

/// How long a call has to wait while another one tries the model.
const TRIAL: Duration = Duration::from_secs(1);

/// Whether a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It is left alone.
    Open,
    /// A single call tries it, or may.
    HalfOpen,
}

impl BreakerState {
    /// The name shown to operators.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// One breaker for each model.
#[derive(Debug)]
pub struct Breakers(HashMap<String, Arc<Breaker>>);

impl Breakers {
    /// Breakers for these models.
    #[must_use]
    pub fn new(settings: config::Breaker, models: &BTreeSet<&str>) -> Self {
        let breaker = |model: &&str| ((*model).to_owned(), Arc::new(Breaker::new(model, settings)));
        Self(models.iter().map(breaker).collect())
    }

    /// Leave to ask this model once; refused while it is left alone.
    pub fn admit(&self, model: &str) -> Result<Attempt, ModelFailure> {
        let Some(breaker) = self.0.get(model) else { return Ok(Attempt::default()) };
        match breaker.admit(Instant::now()) {
            Ok(is_trial) => Ok(Attempt { breaker: Some(Arc::clone(breaker)), is_trial, is_answered: false }),
            Err(retry_after) => Err(ModelFailure::LeftAlone { retry_after }),
        }
    }

    /// Each model's state.
    pub fn states(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        let now = Instant::now();
        self.0.iter().map(move |(model, breaker)| (model.as_str(), breaker.lock().state(now)))
    }
}

/// Leave to ask a model once. What comes of it is told by [`Attempt::succeeded`] or [`Attempt::failed`], or first by one
/// and then by the other, when the model breaks down after its first word; dropped without, it says nothing about the
/// model.
#[derive(Debug, Default)]
pub struct Attempt {
    breaker: Option<Arc<Breaker>>,
    is_trial: bool,
    is_answered: bool,
}

impl Attempt {
    /// The model answers. Only the first time counts.
    pub fn succeeded(&mut self) {
        if let (Some(breaker), false) = (&self.breaker, self.is_answered) {
            breaker.lock().succeed(self.is_trial, Instant::now());
            if self.is_trial {
                tracing::info!(model = breaker.model, "the model answers again");
            }
            (self.is_trial, self.is_answered) = (false, true);
        }
    }

    /// The model, or the way to it, failed.
    pub fn failed(mut self, failure: &ModelFailure) {
        if let Some(breaker) = &self.breaker {
            // A call that was counted when it was answered isn't counted again.
            let calls = u32::from(!self.is_answered);
            let has_opened = breaker.lock().fail(self.is_trial, calls, Instant::now(), breaker.settings);
            if has_opened {
                let pause = breaker.settings.pause;
                tracing::warn!(model = breaker.model, %failure, ?pause, "the model fails too often and is left alone");
            }
            self.is_trial = false;
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let (Some(breaker), true) = (&self.breaker, self.is_trial) {
            breaker.lock().is_tried = false;
        }
    }
}

#[derive(Debug)]
struct Breaker {
    model: String,
    settings: config::Breaker,
    record: Mutex<Record>,
}

impl Breaker {
    fn new(model: &str, settings: config::Breaker) -> Self {
        let record =
            Record { slices: [Slice::default(); SLICES], start: Instant::now(), open_until: None, is_tried: false };
        Self { model: model.to_owned(), settings, record: Mutex::new(record) }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call is the one that tries the model, or how long to wait.
    fn admit(&self, now: Instant) -> Result<bool, Duration> {
        let mut record = self.lock();
        match record.state(now) {
            BreakerState::Closed => Ok(false),
            BreakerState::Open => Err(record.open_until.map_or(TRIAL, |until| until.saturating_duration_since(now))),
            BreakerState::HalfOpen if record.is_tried => Err(TRIAL),
            BreakerState::HalfOpen => {
                record.is_tried = true;
                Ok(true)
            }
        }
    }
}

/// The calls of one slice of time.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    number: u64,
    calls: u32,
    failures: u32,
}

#[derive(Debug)]
struct Record {
    slices: [Slice; SLICES],
    start: Instant,
    /// Set from the moment the breaker opens until it closes again.
    open_until: Option<Instant>,
    /// Whether a call that tries the model is under way.
    is_tried: bool,
}

impl Record {
    fn state(&self, now: Instant) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn succeed(&mut self, was_trial: bool, now: Instant) {
        if was_trial {
            self.slices = [Slice::default(); SLICES];
            self.open_until = None;
            self.is_tried = false;
        } else {
            self.count(now, 1, 0);
        }
    }

    /// Returns whether the breaker has opened by this.
    fn fail(&mut self, was_trial: bool, calls: u32, now: Instant, settings: config::Breaker) -> bool {
        if was_trial {
            self.open_until = Some(now + settings.pause);
            self.is_tried = false;
            return true;
        }
        if self.open_until.is_none() {
            // Calls begun before the breaker opened don't prolong its pause.
            let (calls, failures) = self.count(now, calls, 1);
            let is_judged = settings.failure_rate > 0 && calls >= LEAST_CALLS;
            if is_judged && failures * 100 >= calls * settings.failure_rate {
                self.open_until = Some(now + settings.pause);
                return true;
            }
        }
        false
    }

    /// Counts these. Returns the calls and failures of the last slices.
    fn count(&mut self, now: Instant, calls: u32, failures: u32) -> (u32, u32) {
        let number = u64::try_from(now.duration_since(self.start).as_millis() / SLICE.as_millis()).unwrap_or(u64::MAX);
        let slice = &mut self.slices[usize::try_from(number % SLICES as u64).unwrap_or_default()];
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice.calls += calls;
        slice.failures += failures;
        let recent = self.slices.iter().filter(|slice| slice.number + (SLICES as u64) > number);
        recent.fold((0, 0), |(calls, failures), slice| (calls + slice.calls, failures + slice.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: config::Breaker = config::Breaker { failure_rate: 50, pause: Duration::from_secs(10) };

    /// Takes calls at moments of its own.
    struct Hand {
        breaker: Arc<Breaker>,
        now: Instant,
    }

    impl Hand {
        fn new() -> Self {
            let breaker = Arc::new(Breaker::new("m", SETTINGS));
            let now = breaker.lock().start;
            Self { breaker, now }
        }

        fn call(&self, succeeds: bool) -> Result<(), Duration> {
            let is_trial = self.breaker.admit(self.now)?;
            let mut record = self.breaker.lock();
            if succeeds {
                record.succeed(is_trial, self.now);
            } else {
                record.fail(is_trial, 1, self.now, SETTINGS);
            }
            Ok(())
        }

        fn state(&self) -> BreakerState {
            self.breaker.lock().state(self.now)
        }
    }

    #[test]
    fn it_opens_at_the_rate_and_not_before_there_is_something_to_judge_by() {
        let hand = Hand::new();
        for _ in 0..LEAST_CALLS - 1 {
            hand.call(false).unwrap();
        }
        assert_eq!(hand.state(), BreakerState::Closed);
        hand.call(false).unwrap();
        assert_eq!((hand.state(), hand.call(true)), (BreakerState::Open, Err(SETTINGS.pause)));
        let hand = Hand::new();
        for turn in 0..100 {
            hand.call(turn % 3 > 0).unwrap();
        }
        assert_eq!(hand.state(), BreakerState::Closed, "a third is less than half");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut hand = Hand::new();
        for _ in 0..40 {
            hand.call(false).unwrap();
            hand.now += SLICE * 4;
        }
        assert_eq!(hand.state(), BreakerState::Closed);
    }

    #[test]
    fn one_call_tries_the_model_and_decides() {
        let mut hand = Hand::new();
        for _ in 0..LEAST_CALLS {
            hand.call(false).unwrap();
        }
        hand.now += SETTINGS.pause;
        assert_eq!(hand.state(), BreakerState::HalfOpen);
        assert_eq!(hand.breaker.admit(hand.now), Ok(true));
        assert_eq!(hand.call(true), Err(TRIAL), "a second call while the first tries");
        hand.breaker.lock().fail(true, 1, hand.now, SETTINGS);
        assert_eq!(hand.state(), BreakerState::Open);
        hand.now += SETTINGS.pause;
        hand.call(true).unwrap();
        assert_eq!(hand.state(), BreakerState::Closed);
        hand.call(false).unwrap();
        assert_eq!(hand.state(), BreakerState::Closed, "what was before is forgotten");
    }

    #[test]
    fn a_call_that_breaks_off_after_its_first_word_is_one_failed_call() {
        let breaker = config::Breaker { failure_rate: 100, ..SETTINGS };
        let breakers = Breakers::new(breaker, &BTreeSet::from(["m"]));
        for _ in 0..LEAST_CALLS {
            let mut attempt = breakers.admit("m").unwrap();
            attempt.succeeded();
            attempt.failed(&ModelFailure::Unreachable);
        }
        assert!(breakers.admit("m").is_err());
    }

    #[test]
    fn a_trial_that_tells_nothing_makes_room_for_the_next() {
        let pause = Duration::from_nanos(1);
        let breakers = Breakers::new(config::Breaker { failure_rate: 1, pause }, &BTreeSet::from(["m"]));
        for _ in 0..LEAST_CALLS {
            breakers.admit("m").unwrap().failed(&ModelFailure::Unreachable);
        }
        let trial = breakers.admit("m").unwrap();
        assert_eq!(breakers.admit("m").unwrap_err(), ModelFailure::LeftAlone { retry_after: TRIAL });
        drop(trial);
        breakers.admit("m").unwrap().succeeded();
        assert!(breakers.states().eq([("m", BreakerState::Closed)]));
    }
}

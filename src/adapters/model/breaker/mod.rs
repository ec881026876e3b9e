//! Leaves a failing model alone: after too many failed turns of several callers it isn't asked for a while, then a
//! single turn tries it.
//!
//! What a turn says of a model is counted once, after its last attempt. One caller alone never opens a breaker: a
//! prompt may make a server fail, time out or close the connection, and whoever sends it again and again must not take
//! the model from everybody else. Only that no connection can be made is nobody's doing, so each such turn counts as a
//! caller of its own, and a service with few visitors gets relief from a model that is down.
//!
//! Where another model can be asked meanwhile, leaving this one alone costs nobody an answer. Where none can, it is
//! tried soon, again and again, and by more than one turn at a time.

mod record;

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use self::record::{Blame, Record};
use super::ModelFailure;
use crate::foundation::config;

/// How long a turn has to wait while another one tries the model.
const TRIAL: Duration = Duration::from_secs(1);

/// Where no other model can be asked, the first pause is that much shorter than the others.
const SOONER: u32 = 8;

/// Whether a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It is left alone.
    Open,
    /// A turn tries it, or may.
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

/// Who a turn is for, as far as failures are told apart by it: a hash of an account, a session or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerHash(u64);

impl CallerHash {
    /// The caller of this identity.
    #[must_use]
    pub fn of(identity: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// When an open breaker lets a turn try the model.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    /// The pause after the breaker has opened. It doubles with each trial that fails.
    first: Duration,
    longest: Duration,
    /// How long a trial keeps other turns from trying; until its end, if there is none.
    trial: Option<Duration>,
}

impl Pauses {
    fn new(longest: Duration, has_fallback: bool) -> Self {
        if has_fallback {
            Self { first: longest, longest, trial: None }
        } else {
            Self { first: longest / SOONER, longest, trial: Some(TRIAL.min(longest)) }
        }
    }
}

/// One breaker for each model.
#[derive(Debug)]
pub struct Breakers(HashMap<String, Arc<Breaker>>);

impl Breakers {
    /// Breakers for these models. `fallbacks` are those that may be asked in the place of another one.
    #[must_use]
    pub fn new(settings: config::Breaker, models: &BTreeSet<&str>, fallbacks: &[String]) -> Self {
        let breaker = |model: &&str| {
            let has_fallback = fallbacks.iter().any(|fallback| fallback != model);
            let pauses = Pauses::new(settings.pause, has_fallback);
            let record = Mutex::new(Record::new(settings.failure_rate, pauses));
            ((*model).to_owned(), Arc::new(Breaker { model: (*model).to_owned(), record }))
        };
        Self(models.iter().map(breaker).collect())
    }

    /// Leave for a turn to ask this model; refused while it is left alone.
    pub fn admit(&self, model: &str, caller: CallerHash) -> Result<BreakerPermit, ModelFailure> {
        let breaker = self.0.get(model).cloned();
        let is_trial = match &breaker {
            None => false,
            Some(breaker) => {
                breaker.lock().admit(Instant::now()).map_err(|retry_after| ModelFailure::CircuitOpen { retry_after })?
            }
        };
        Ok(BreakerPermit { breaker, caller, is_trial, is_answered: false })
    }

    /// Each model's state.
    pub fn states(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        let now = Instant::now();
        self.0.iter().map(move |(model, breaker)| (model.as_str(), breaker.lock().state(now)))
    }
}

/// Leave for a turn to ask a model, as often as it is asked again in that turn. What comes of the turn is told by
/// [`BreakerPermit::answered`] or [`BreakerPermit::failed`], or first by one and then by the other, when the model breaks down
/// after its first word; dropped without, the turn says nothing about the model.
#[derive(Debug)]
pub struct BreakerPermit {
    breaker: Option<Arc<Breaker>>,
    caller: CallerHash,
    is_trial: bool,
    is_answered: bool,
}

impl BreakerPermit {
    /// The model answers. Only the first time counts.
    pub fn answered(&mut self) {
        if let (Some(breaker), false) = (&self.breaker, self.is_answered) {
            breaker.lock().succeed(self.is_trial, Instant::now());
            if self.is_trial {
                tracing::info!(model = breaker.model, "the model answers again");
            }
            (self.is_trial, self.is_answered) = (false, true);
        }
    }

    /// The turn's last attempt failed.
    pub fn failed(mut self, failure: &ModelFailure) {
        let Some(breaker) = self.breaker.clone() else { return };
        if !failure.counts_against_breaker() {
            // That there are too many requests, or that it wasn't waited for, says nothing of the model; otherwise,
            // who refuses is there. Only a trial is to find out that.
            let says_nothing = matches!(failure, ModelFailure::RateLimited { .. } | ModelFailure::Slow);
            if self.is_trial && !says_nothing {
                self.answered();
            }
            return;
        }
        let blame = if matches!(failure, ModelFailure::Unreachable) { Blame::Nobodys } else { Blame::Of(self.caller) };
        // A turn that was counted when it was answered isn't counted again.
        let turns = u32::from(!self.is_answered);
        let opened_for = breaker.lock().fail(self.is_trial, turns, blame, Instant::now());
        if let Some(pause) = opened_for {
            tracing::warn!(model = breaker.model, %failure, ?pause, "the model fails too often and is left alone");
        }
        self.is_trial = false;
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if let (Some(breaker), true) = (&self.breaker, self.is_trial) {
            breaker.lock().end_trial();
        }
    }
}

#[derive(Debug)]
struct Breaker {
    model: String,
    record: Mutex<Record>,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH_FAILURE: config::Breaker = config::Breaker { failure_rate: 1, pause: Duration::from_secs(10) };

    fn breakers(settings: config::Breaker) -> Breakers {
        Breakers::new(settings, &BTreeSet::from(["m"]), &["spare".to_owned()])
    }

    fn caller(number: u64) -> CallerHash {
        CallerHash::of(&number)
    }

    /// Turns of so many callers in turn that all fail like this.
    fn fail(breakers: &Breakers, callers: u64, turns: u64, failure: &ModelFailure) {
        for turn in 0..turns {
            if let Ok(admission) = breakers.admit("m", caller(turn % callers)) {
                admission.failed(failure);
            }
        }
    }

    fn failed(status: u16) -> ModelFailure {
        ModelFailure::Failed { status, retry_after: None }
    }

    #[test]
    fn failures_of_a_few_callers_never_open_it() {
        for failure in [failed(500), ModelFailure::Timeout, ModelFailure::ConnectionLost] {
            let breakers = breakers(EACH_FAILURE);
            fail(&breakers, 2, 1000, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Closed)]), "{failure}");
            fail(&breakers, 3, 3, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Open)]), "{failure}");
        }
    }

    #[test]
    fn a_model_that_cannot_be_reached_is_no_callers_doing() {
        let breakers = breakers(EACH_FAILURE);
        fail(&breakers, 1, 5, &ModelFailure::Unreachable);
        assert!(breakers.states().eq([("m", BreakerState::Open)]));
    }

    #[test]
    fn refusals_count_for_nothing() {
        let breakers = breakers(EACH_FAILURE);
        for failure in [
            failed(404),
            ModelFailure::Unauthorized,
            ModelFailure::PromptTooLong,
            ModelFailure::RequestRefused(400),
            ModelFailure::RateLimited { retry_after: None },
            ModelFailure::ContentFiltered,
            ModelFailure::Slow,
        ] {
            fail(&breakers, 100, 100, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Closed)]), "{failure}");
        }
    }

    #[test]
    fn a_turn_broken_off_after_its_first_word_is_one_failed_turn() {
        let breakers = breakers(config::Breaker { failure_rate: 100, ..EACH_FAILURE });
        for turn in 0..5 {
            let mut admission = breakers.admit("m", caller(turn)).unwrap();
            admission.answered();
            admission.answered();
            admission.failed(&ModelFailure::ConnectionLost);
        }
        assert!(breakers.admit("m", caller(0)).is_err());
    }

    #[test]
    fn a_trial_that_tells_nothing_makes_room_for_the_next() {
        let breakers = breakers(config::Breaker { pause: Duration::from_nanos(1), ..EACH_FAILURE });
        fail(&breakers, 5, 5, &failed(500));
        let trial = breakers.admit("m", caller(0)).unwrap();
        assert_eq!(breakers.admit("m", caller(1)).unwrap_err(), ModelFailure::CircuitOpen { retry_after: TRIAL });
        trial.failed(&ModelFailure::RateLimited { retry_after: None });
        let trial = breakers.admit("m", caller(1)).unwrap();
        assert!(breakers.admit("m", caller(2)).is_err());
        drop(trial);
        breakers.admit("m", caller(2)).unwrap().failed(&ModelFailure::RequestRefused(400));
        assert!(breakers.states().eq([("m", BreakerState::Closed)]), "who refuses is there");
    }
}

//! The circuit breakers of all models.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use super::{model_breaker::ModelBreaker, permit::BreakerPermit};
use crate::{
    adapters::model::ModelFailure,
    domain::breaker::{BreakerState, CallerHash, Circuit, Pauses},
    foundation::config,
};

/// The circuit breakers of the models, one for each.
#[derive(Debug)]
pub struct Breakers(HashMap<String, Arc<ModelBreaker>>);

impl Breakers {
    /// Creates a circuit breaker for each model. `has_fallback` says of a model whether another one may be asked instead.
    #[must_use]
    pub fn new(settings: config::Breaker, models: &BTreeSet<&str>, has_fallback: impl Fn(&str) -> bool) -> Self {
        let breaker = |model: &&str| {
            let pauses = Pauses::new(settings.pause, has_fallback(model));
            let circuit = Circuit::new(settings.failure_rate, pauses);
            ((*model).to_owned(), Arc::new(ModelBreaker::new(model, circuit)))
        };
        Self(models.iter().map(breaker).collect())
    }

    /// Returns a permit for a turn to ask a model, or [`ModelFailure::CircuitOpen`]. A model without a breaker is
    /// always permitted.
    pub fn admit(&self, model: &str, caller: CallerHash) -> Result<BreakerPermit, ModelFailure> {
        let Some(breaker) = self.0.get(model) else { return Ok(BreakerPermit::new(None, caller, false)) };
        let is_trial =
            breaker.lock().admit(Instant::now()).map_err(|retry_after| ModelFailure::CircuitOpen { retry_after })?;
        Ok(BreakerPermit::new(Some(Arc::clone(breaker)), caller, is_trial))
    }

    /// Returns the state of each model's breaker.
    pub fn states(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        let now = Instant::now();
        self.0.iter().map(move |(model, breaker)| (model.as_str(), breaker.lock().state(now)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::breaker::TRIAL_INTERVAL;

    const EACH_FAILURE: config::Breaker = config::Breaker { failure_rate: 1, pause: Duration::from_secs(10) };

    fn breakers(settings: config::Breaker) -> Breakers {
        Breakers::new(settings, &BTreeSet::from(["m"]), |_| true)
    }

    fn caller(number: u64) -> CallerHash {
        CallerHash::of(&number)
    }

    /// Runs failing turns of several callers in rotation.
    fn fail(breakers: &Breakers, callers: u64, turns: u64, failure: &ModelFailure) {
        for turn in 0..turns {
            if let Ok(permit) = breakers.admit("m", caller(turn % callers)) {
                permit.record_failure(failure);
            }
        }
    }

    fn failed(status: u16) -> ModelFailure {
        ModelFailure::Failed { status, retry_after: None }
    }

    #[test]
    fn failures_of_two_callers_do_not_open_the_breaker() {
        for failure in [failed(500), ModelFailure::Timeout, ModelFailure::ConnectionLost] {
            let breakers = breakers(EACH_FAILURE);
            fail(&breakers, 2, 1000, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Closed)]), "{failure}");
            fail(&breakers, 3, 3, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Open)]), "{failure}");
        }
    }

    #[test]
    fn connection_failures_of_one_caller_open_the_breaker() {
        let breakers = breakers(EACH_FAILURE);
        fail(&breakers, 1, 5, &ModelFailure::Unreachable);
        assert!(breakers.states().eq([("m", BreakerState::Open)]));
    }

    #[test]
    fn refusals_do_not_count_as_failures() {
        let breakers = breakers(EACH_FAILURE);
        for failure in [
            failed(404),
            ModelFailure::Unauthorized,
            ModelFailure::PromptTooLong,
            ModelFailure::RequestRefused(400),
            ModelFailure::RateLimited { retry_after: None },
            ModelFailure::ContentFiltered,
            ModelFailure::NoDescriptors,
        ] {
            fail(&breakers, 100, 100, &failure);
            assert!(breakers.states().eq([("m", BreakerState::Closed)]), "{failure}");
        }
    }

    #[test]
    fn a_turn_that_fails_after_text_counts_as_one_failed_turn() {
        let breakers = breakers(config::Breaker { failure_rate: 100, ..EACH_FAILURE });
        for turn in 0..5 {
            let mut permit = breakers.admit("m", caller(turn)).unwrap();
            permit.record_success();
            permit.record_success();
            permit.record_failure(&ModelFailure::ConnectionLost);
        }
        assert!(breakers.admit("m", caller(0)).is_err());
    }

    #[test]
    fn an_inconclusive_trial_permits_the_next_one() {
        let breakers = breakers(config::Breaker { pause: Duration::from_nanos(1), ..EACH_FAILURE });
        fail(&breakers, 5, 5, &failed(500));
        let trial = breakers.admit("m", caller(0)).unwrap();
        assert_eq!(
            breakers.admit("m", caller(1)).unwrap_err(),
            ModelFailure::CircuitOpen { retry_after: TRIAL_INTERVAL }
        );
        trial.record_failure(&ModelFailure::RateLimited { retry_after: None });
        breakers.admit("m", caller(1)).unwrap().record_failure(&ModelFailure::NoDescriptors);
        let trial = breakers.admit("m", caller(1)).unwrap();
        assert!(breakers.admit("m", caller(2)).is_err());
        drop(trial);
        breakers.admit("m", caller(2)).unwrap().record_failure(&ModelFailure::RequestRefused(400));
        assert!(breakers.states().eq([("m", BreakerState::Closed)]), "a refusal shows that the provider responds");
    }
}

//! The circuit breaker of one hook.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::failure::HookFailure;
use crate::{
    domain::breaker::{BreakerState, CallerHash, Circuit, FailedTurn, FailureOrigin, Pauses},
    foundation::config,
};

/// A circuit breaker: while it is open, the hook is not called.
#[derive(Debug)]
pub(super) struct HookBreaker {
    hook: &'static str,
    circuit: Mutex<Circuit>,
}

/// The permission for one call. One that is dropped without a report does not count.
pub(super) struct HookPermit<'a> {
    breaker: &'a HookBreaker,
    caller: CallerHash,
    began: Instant,
    is_trial: bool,
}

impl HookBreaker {
    pub(super) fn new(hook: &'static str, settings: config::Breaker) -> Self {
        let pauses = Pauses::new(settings.pause, false);
        Self { hook, circuit: Mutex::new(Circuit::new(settings.failure_rate, pauses)) }
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether calls are admitted now.
    pub(super) fn state(&self) -> BreakerState {
        self.lock().state(Instant::now())
    }

    /// Admits a call for a caller, unless the breaker is open.
    pub(super) fn admit(&self, caller: CallerHash) -> Result<HookPermit<'_>, HookFailure> {
        let began = Instant::now();
        let is_trial = self.lock().admit(began).map_err(|_| HookFailure::CircuitOpen)?;
        Ok(HookPermit { breaker: self, caller, began, is_trial })
    }
}

impl HookPermit<'_> {
    /// Reports the outcome of the call.
    pub(super) fn record<T>(mut self, outcome: &Result<T, HookFailure>) {
        let hook = self.breaker.hook;
        match outcome {
            Ok(_) => {
                self.breaker.lock().succeed(self.is_trial, Instant::now());
                if self.is_trial {
                    tracing::info!(hook, "the hook answers again; its circuit breaker is closed");
                }
            }
            Err(failure) if failure.says_nothing() => return,
            Err(failure) => {
                let opened_for = self.breaker.lock().fail(self.failed(*failure), Instant::now());
                if let Some(pause) = opened_for {
                    tracing::warn!(
                        hook,
                        %failure,
                        ?pause,
                        "the hook fails too often; its circuit breaker is open, and the hook is not called during the pause"
                    );
                }
            }
        }
        self.is_trial = false;
    }

    fn failed(&self, failure: HookFailure) -> FailedTurn {
        let is_of_connection = failure.is_of_connection();
        let origin = if is_of_connection { FailureOrigin::Connection } else { FailureOrigin::Caller(self.caller) };
        FailedTurn { origin, began: self.began, was_answered: false, was_trial: self.is_trial }
    }
}

impl Drop for HookPermit<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.lock().end_trial();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::foundation::http_client::Cause;

    fn breaker() -> HookBreaker {
        HookBreaker::new("guard", config::Breaker { failure_rate: 50, pause: Duration::from_secs(10) })
    }

    fn fail(breaker: &HookBreaker, callers: u64, calls: u64, failure: HookFailure) {
        for call in 0..calls {
            if let Ok(permit) = breaker.admit(CallerHash::of(&(call % callers))) {
                permit.record(&Err::<(), _>(failure));
            }
        }
    }

    #[test]
    fn a_breaker_opens_for_several_callers_or_no_connection() {
        let is_open = |callers, failure| {
            let breaker = breaker();
            fail(&breaker, callers, 100, failure);
            breaker.admit(CallerHash::of(&0)).is_err()
        };
        let timeout = HookFailure::Timeout(Duration::from_secs(1));
        assert!(!is_open(2, timeout), "the texts of two callers may be the cause");
        assert!(is_open(3, timeout));
        assert!(is_open(3, HookFailure::NotUnderstood));
        assert!(is_open(1, HookFailure::Connection(Cause::Refused)));
        assert!(is_open(1, HookFailure::PrivateAddress));
        assert!(!is_open(1, HookFailure::Connection(Cause::Reset)), "the text may have crashed the hook");
        for says_nothing in [
            HookFailure::Connection(Cause::NoDescriptors),
            HookFailure::Status(413),
            HookFailure::Status(422),
            HookFailure::TooLarge(9),
        ] {
            assert!(!is_open(9, says_nothing), "{says_nothing}");
        }
        assert!(is_open(3, HookFailure::Status(500)));
    }

    #[test]
    fn a_trial_that_is_dropped_permits_the_next_one() {
        let settings = config::Breaker { failure_rate: 50, pause: Duration::from_nanos(8) };
        let breaker = HookBreaker::new("guard", settings);
        fail(&breaker, 1, 5, HookFailure::PrivateAddress);
        drop(breaker.admit(CallerHash::of(&0)).ok().unwrap());
        breaker.admit(CallerHash::of(&0)).ok().unwrap().record(&Ok(()));
        let (first, second) = (breaker.admit(CallerHash::of(&0)), breaker.admit(CallerHash::of(&1)));
        assert!(first.is_ok() && second.is_ok(), "the breaker is closed");
    }
}

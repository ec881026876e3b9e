//! The permission for a turn to ask a model.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::model_breaker::ModelBreaker;
use crate::{
    adapters::model::ModelFailure,
    domain::breaker::{CallerHash, FailedTurn, FailureOrigin},
};

/// The permission for one turn to ask a model, as often as the turn repeats the call.
///
/// The turn reports its result by [`BreakerPermit::record_success`], [`BreakerPermit::record_failure`] or
/// [`BreakerPermit::record_out_of_time`]; first by success and then by failure if the model fails after its first text. A
/// permit that is dropped without a report does not count.
#[derive(Debug)]
pub struct BreakerPermit {
    breaker: Option<Arc<ModelBreaker>>,
    caller: CallerHash,
    began: Instant,
    is_trial: bool,
    is_answered: bool,
}

impl BreakerPermit {
    pub(super) fn new(breaker: Option<Arc<ModelBreaker>>, caller: CallerHash, is_trial: bool) -> Self {
        Self { breaker, caller, began: Instant::now(), is_trial, is_answered: false }
    }

    /// Counts the turn as a success. Only the first call counts.
    pub fn record_success(&mut self) {
        if let (Some(breaker), false) = (&self.breaker, self.is_answered) {
            breaker.lock().succeed(self.is_trial, Instant::now());
            if self.is_trial {
                tracing::info!(model = breaker.model, "the model answers again; its circuit breaker is closed");
            }
            (self.is_trial, self.is_answered) = (false, true);
        }
    }

    /// Reports the failure of the turn's last attempt.
    pub fn record_failure(mut self, failure: &ModelFailure) {
        let Some(breaker) = self.breaker.clone() else { return };
        if !failure.kind().counts_against_breaker {
            // A rate limit shows nothing about the model, nor does a call that was not made. Any other refusal shows that
            // the provider responds, which is what a trial is for.
            if self.is_trial && !matches!(failure, ModelFailure::RateLimited { .. } | ModelFailure::NoDescriptors) {
                self.record_success();
            }
            return;
        }
        let is_unreachable = matches!(failure, ModelFailure::Unreachable);
        let origin = if is_unreachable { FailureOrigin::Connection } else { FailureOrigin::Caller(self.caller) };
        let opened_for = breaker.lock().fail(self.failed_turn(origin), Instant::now());
        log_opening(&breaker, failure, opened_for);
        self.is_trial = false;
    }

    /// Reports that the time for a whole answer, or the model's share of it, is over. The answer may be a long one: this
    /// counts only if no turn is answered meanwhile. A trial shows nothing by that.
    pub fn record_out_of_time(self) {
        let Some(breaker) = self.breaker.as_ref().filter(|_| !self.is_trial && !self.is_answered) else { return };
        let turn = self.failed_turn(FailureOrigin::Caller(self.caller));
        let opened_for = breaker.lock().run_out_of_time(turn, Instant::now());
        log_opening(breaker, &ModelFailure::Timeout, opened_for);
    }

    fn failed_turn(&self, origin: FailureOrigin) -> FailedTurn {
        let Self { began, is_answered, is_trial, .. } = *self;
        FailedTurn { origin, began, was_answered: is_answered, was_trial: is_trial }
    }
}

fn log_opening(breaker: &ModelBreaker, failure: &ModelFailure, opened_for: Option<Duration>) {
    if let Some(pause) = opened_for {
        tracing::warn!(
            model = breaker.model,
            %failure,
            ?pause,
            "the model fails too often; its circuit breaker is open, and the model is not asked during the pause"
        );
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if let (Some(breaker), true) = (&self.breaker, self.is_trial) {
            breaker.lock().end_trial();
        }
    }
}

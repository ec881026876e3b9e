//! The permission for a turn to ask a model.

use std::{sync::Arc, time::Instant};

use super::{caller::CallerHash, circuit::FailureOrigin, model_breaker::ModelBreaker};
use crate::adapters::model::ModelFailure;

/// The permission for one turn to ask a model, as often as the turn repeats the call.
///
/// The turn reports its result by [`BreakerPermit::record_success`] or [`BreakerPermit::record_failure`]; by both, in
/// this order, if the model fails after its first text. A permit that is dropped without a report does not count.
#[derive(Debug)]
pub struct BreakerPermit {
    breaker: Option<Arc<ModelBreaker>>,
    caller: CallerHash,
    is_trial: bool,
    is_answered: bool,
}

impl BreakerPermit {
    pub(super) fn new(breaker: Option<Arc<ModelBreaker>>, caller: CallerHash, is_trial: bool) -> Self {
        Self { breaker, caller, is_trial, is_answered: false }
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
            // A rate limit, or a turn that did not wait for the answer, shows nothing about the model. Any other
            // refusal shows that the provider responds, which is what a trial is for.
            let is_inconclusive = matches!(failure, ModelFailure::RateLimited { .. } | ModelFailure::Slow);
            if self.is_trial && !is_inconclusive {
                self.record_success();
            }
            return;
        }
        let is_unreachable = matches!(failure, ModelFailure::Unreachable);
        let origin = if is_unreachable { FailureOrigin::Connection } else { FailureOrigin::Caller(self.caller) };
        // A turn that was counted as a success is not counted again.
        let turns = u32::from(!self.is_answered);
        let opened_for = breaker.lock().fail(self.is_trial, turns, origin, Instant::now());
        if let Some(pause) = opened_for {
            tracing::warn!(
                model = breaker.model,
                %failure,
                ?pause,
                "the model fails too often; its circuit breaker is open, and the model is not asked during the pause"
            );
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

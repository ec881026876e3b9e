//! Retries of one model, behind its circuit breaker.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::{
    call_record::CallRecord,
    call_request::{CallRequest, Target},
    key_rotation::KeyRotation,
    routes::Route,
};
use crate::{
    adapters::model::{BreakerPermit, Breakers, ModelFailure},
    domain::chat::Finish,
};

/// Calls models for one turn, again after transient failures.
pub(super) struct Retries<'r> {
    /// Limit of the calls after the first.
    pub(super) limit: u32,
    pub(super) breakers: &'r Breakers,
    pub(super) keys: KeyRotation<'r>,
    pub(super) request: CallRequest<'r>,
}

impl Retries<'_> {
    /// Calls a model, unless its circuit is open. The final outcome counts once for its circuit breaker.
    pub(super) async fn call(
        &mut self,
        target: Target<'_>,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelFailure> {
        let mut permit = self.breakers.admit(target.model, self.request.caller_hash)?;
        let outcome = self.call_until_final(target, &mut permit, record).await;
        match &outcome {
            Ok(_) => permit.record_success(),
            Err(failure) if self.may_be_a_long_answer(target.route, failure) => permit.record_out_of_time(),
            Err(failure) => permit.record_failure(failure),
        }
        outcome
    }

    /// Whether a failure may come from the length of the answer rather than from the model: of a whole answer nothing
    /// arrives before its end.
    fn may_be_a_long_answer(&self, route: Route<'_>, failure: &ModelFailure) -> bool {
        let CallRequest { stream, journal, .. } = self.request;
        match failure {
            ModelFailure::Slow => true,
            ModelFailure::Timeout => (!stream && journal.is_answering()) || !self.streams(route),
            _ => false,
        }
    }

    /// Whether a model is called for a stream.
    pub(super) fn streams(&self, route: Route<'_>) -> bool {
        self.keys.attempts.streams(route)
    }

    /// Calls a model until it answers, fails for good, or the retries or the time are used up.
    async fn call_until_final(
        &mut self,
        target: Target<'_>,
        permit: &mut BreakerPermit,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelFailure> {
        let mut pauses = pauses(self.limit);
        loop {
            let failure = match self.keys.call(target, permit, record).await {
                Err(ModelFailure::Empty) if std::mem::take(&mut record.should_retry_with_reasoning) => continue,
                Err(failure) if failure.kind().is_transient && self.request.may_call_again() => failure,
                outcome => return outcome,
            };
            let Some(pause) = pauses.next() else { return Err(failure) };
            // A quarter of the pause is added, so that clients with the same `Retry-After` don't retry at the same
            // time.
            let pause = failure.retry_after().map_or(pause, |wait| wait + pause / 4);
            // A pause that leaves no time for the answer is useless.
            if Instant::now() + pause >= target.fallback_at.unwrap_or(self.request.deadline) {
                return Err(failure);
            }
            let request_id = self.request.journal.request_id.as_str();
            tracing::debug!(request_id, %failure, ?pause, model = target.model, "the model is asked again");
            sleep(pause).await;
        }
    }
}

/// Returns the pauses between the calls.
fn pauses(retries: u32) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .with_max_times(retries as usize)
        .build()
}

//! The guard, as turns ask it.

use std::{sync::Arc, time::Instant};

use super::record::{GuardLabels, GuardOutcome, Judgement};
use crate::{
    adapters::hooks::{GuardHook, GuardRequest, HookFailure, Verdict},
    domain::breaker::CallerHash,
    foundation::{
        config::{self, GuardFail},
        trace::{RequestTrace, attributes, outgoing},
    },
    services::turn::{failure::TurnFailure, hook_metrics::HookMetrics, spans::end_hook_span},
};

/// Asks the guard about the texts of turns.
#[derive(Debug)]
pub(in crate::services::turn) struct Guard {
    hook: Arc<GuardHook>,
    fail: GuardFail,
    /// Whether it judges answers, too.
    pub(in crate::services::turn) judges_answers: bool,
    metrics: HookMetrics<GuardLabels>,
}

impl Guard {
    pub(in crate::services::turn) fn new(
        hook: Arc<GuardHook>,
        settings: &config::Guard,
        metrics: HookMetrics<GuardLabels>,
    ) -> Self {
        Self { hook, fail: settings.fail, judges_answers: settings.answers, metrics }
    }

    /// Asks the guard about a text, and returns how that went, with the verdict by which the turn goes on. If the guard gave
    /// none, `GUARD_FAIL` decides. `is_known_to_fail`: a failure for an earlier piece of the same answer was logged already.
    pub(super) async fn ask(
        &self,
        request: &GuardRequest<'_>,
        caller: CallerHash,
        is_known_to_fail: bool,
        trace: Option<&RequestTrace>,
    ) -> (Judgement, Result<Verdict, TurnFailure>) {
        let (asked, kind) = (Instant::now(), request.kind.as_str());
        let call = self.metrics.begin(GuardLabels::new(kind, GuardOutcome::Failed));
        let name = if kind == "question" { attributes::GUARD_QUESTION } else { attributes::GUARD_ANSWER };
        let span = trace.and_then(|trace| trace.start_call(name));
        let answer = self.hook.judge(request, caller, outgoing(trace, span.as_ref())).await;
        let has_reached_guard = answer.as_ref().err().is_none_or(|failure| failure.has_reached_hook());
        let judgement = Judgement { outcome: outcome_of(&answer), time: asked.elapsed(), has_reached_guard };
        end_hook_span(span, judgement.outcome.as_str(), answer.as_ref().err());
        match answer {
            Err(HookFailure::CircuitOpen) => call.discard(),
            _ => call.end(&GuardLabels::new(kind, judgement.outcome)),
        }
        let verdict = answer.or_else(|failure| match self.fail {
            GuardFail::Closed => {
                tracing::warn!(
                    request_id = request.turn.request_id,
                    %failure,
                    "the guard gave no verdict, and the turn ends (GUARD_FAIL=closed)"
                );
                Err(TurnFailure::GuardUnavailable)
            }
            GuardFail::Open if is_known_to_fail => Ok(Verdict::Pass),
            GuardFail::Open => {
                tracing::warn!(
                    request_id = request.turn.request_id,
                    %failure,
                    "the guard gave no verdict, and the turn goes on with a text that is not judged (GUARD_FAIL=open)"
                );
                Ok(Verdict::Pass)
            }
        });
        (judgement, verdict)
    }
}

fn outcome_of(answer: &Result<Verdict, HookFailure>) -> GuardOutcome {
    match answer {
        Ok(Verdict::Pass) => GuardOutcome::Pass,
        Ok(Verdict::Mask { .. }) => GuardOutcome::Mask,
        Ok(Verdict::Reject { .. }) => GuardOutcome::Reject,
        Err(_) => GuardOutcome::Failed,
    }
}

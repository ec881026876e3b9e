//! What the guard said in one turn, for its line in the session log and the metrics.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

/// The outcome of asking the guard. Of several, the last in this order matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::services::turn) enum GuardOutcome {
    /// The text went on.
    Pass,
    /// Another text went on.
    Mask,
    /// The guard gave no verdict.
    Failed,
    /// The text was rejected.
    Reject,
}

impl GuardOutcome {
    /// All outcomes.
    const ALL: [Self; 4] = [Self::Pass, Self::Mask, Self::Failed, Self::Reject];

    /// Returns the name in the session log and the metrics.
    pub(in crate::services::turn) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Mask => "mask",
            Self::Reject => "reject",
            Self::Failed => "failed",
        }
    }
}

/// The labels of a call in the metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(in crate::services::turn) struct GuardLabels {
    kind: &'static str,
    verdict: &'static str,
}

impl GuardLabels {
    pub(super) fn new(kind: &'static str, outcome: GuardOutcome) -> Self {
        Self { kind, verdict: outcome.as_str() }
    }

    /// Returns the labels of all calls about texts of these kinds.
    pub(in crate::services::turn) fn all(kinds: &[&'static str]) -> impl Iterator<Item = Self> {
        kinds.iter().flat_map(|kind| GuardOutcome::ALL.map(|outcome| Self::new(kind, outcome)))
    }
}

/// One answer of the guard, or its failure.
#[derive(Clone, Copy, Debug)]
pub(in crate::services::turn) struct Judgement {
    pub(in crate::services::turn) outcome: GuardOutcome,
    /// The time that it took.
    pub(in crate::services::turn) time: Duration,
    /// Whether a connection to the guard could be opened, so that it may have judged the text.
    pub(in crate::services::turn) has_reached_guard: bool,
}

impl Judgement {
    /// Returns a judgement that the turn did not wait for, as its client has left or its time is over.
    pub(in crate::services::turn) fn abandoned(time: Duration) -> Self {
        Self { outcome: GuardOutcome::Failed, time, has_reached_guard: true }
    }

    /// Whether the guard gave no verdict.
    pub(super) fn has_failed(self) -> bool {
        self.outcome == GuardOutcome::Failed
    }
}

/// All judgements of the pieces of an answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::services::turn) struct AnswerJudgements {
    /// The outcome that matters most.
    pub(in crate::services::turn) outcome: GuardOutcome,
    /// The number of pieces.
    pub(in crate::services::turn) parts: u32,
    /// The time that all of them took.
    pub(in crate::services::turn) time: Duration,
}

/// What the guard said in one turn.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::services::turn) struct GuardRecord {
    /// About the question; `None` if the guard was not asked.
    pub(in crate::services::turn) question: Option<Judgement>,
    /// About the answer; `None` if the guard was not asked.
    pub(in crate::services::turn) answer: Option<AnswerJudgements>,
}

impl GuardRecord {
    /// Whether another question goes on instead of the one that was sent.
    pub(in crate::services::turn) fn has_masked_question(&self) -> bool {
        self.question.is_some_and(|judgement| judgement.outcome == GuardOutcome::Mask)
    }

    /// Adds the judgement of a piece of the answer.
    pub(in crate::services::turn) fn add_answer(&mut self, Judgement { outcome, time, .. }: Judgement) {
        let before = self.answer.unwrap_or(AnswerJudgements { outcome, parts: 0, time: Duration::ZERO });
        let outcome = before.outcome.max(outcome);
        self.answer = Some(AnswerJudgements { outcome, parts: before.parts + 1, time: before.time + time });
    }

    /// Returns the time that the turn has waited for the judgement of its question.
    pub(in crate::services::turn) fn question_time(&self) -> Duration {
        self.question.map_or(Duration::ZERO, |judgement| judgement.time)
    }

    /// Whether the guard was reached with the question.
    pub(in crate::services::turn) fn has_reached_guard(&self) -> bool {
        self.question.is_some_and(|judgement| judgement.has_reached_guard)
    }
}

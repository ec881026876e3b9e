//! What the guard said in one turn, for its line in the session log and the metrics.

use std::time::Duration;

/// The outcome of asking the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::turn) enum GuardOutcome {
    /// The text went on.
    Pass,
    /// Another text went on.
    Mask,
    /// The text was rejected.
    Reject,
    /// The guard gave no verdict.
    Failed,
}

impl GuardOutcome {
    /// All outcomes.
    pub(in crate::services::turn) const ALL: [Self; 4] = [Self::Pass, Self::Mask, Self::Reject, Self::Failed];

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

/// One answer of the guard, or its failure.
#[derive(Clone, Copy, Debug)]
pub(in crate::services::turn) struct Judgement {
    pub(in crate::services::turn) outcome: GuardOutcome,
    /// The time that it took.
    pub(in crate::services::turn) time: Duration,
}

/// What the guard said in one turn.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::services::turn) struct GuardRecord {
    /// About the question; `None` if the guard was not asked.
    pub(in crate::services::turn) question: Option<Judgement>,
}

impl GuardRecord {
    /// Whether another question goes on instead of the one that was sent.
    pub(in crate::services::turn) fn has_masked_question(&self) -> bool {
        self.question.is_some_and(|judgement| judgement.outcome == GuardOutcome::Mask)
    }

    /// Whether the question was rejected.
    pub(in crate::services::turn) fn has_rejected_question(&self) -> bool {
        self.question.is_some_and(|judgement| judgement.outcome == GuardOutcome::Reject)
    }
}

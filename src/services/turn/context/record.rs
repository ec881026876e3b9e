//! The outcome of asking the context hook in one turn, for its line in the session log and the metrics.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

/// The outcome of asking the context hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::turn) enum ContextOutcome {
    /// The model has got texts.
    Used,
    /// The hook has no text about the question.
    Empty,
    /// There were texts, but the model has got none: they did not fit, or no model was asked.
    Unused,
    /// The hook gave no answer in time.
    Failed,
}

impl ContextOutcome {
    /// All outcomes.
    const ALL: [Self; 4] = [Self::Used, Self::Empty, Self::Unused, Self::Failed];

    /// Returns the name in the session log and the metrics.
    pub(in crate::services::turn) fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Empty => "empty",
            Self::Unused => "unused",
            Self::Failed => "failed",
        }
    }
}

/// The labels of a call in the metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(in crate::services::turn) struct ContextLabels {
    outcome: &'static str,
}

impl ContextLabels {
    pub(super) fn new(outcome: ContextOutcome) -> Self {
        Self { outcome: outcome.as_str() }
    }

    /// Returns the labels of all calls.
    pub(in crate::services::turn) fn all() -> impl Iterator<Item = Self> {
        ContextOutcome::ALL.into_iter().map(Self::new)
    }
}

/// The outcome of asking the context hook, with its numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::services::turn) struct ContextRecord {
    pub(in crate::services::turn) outcome: ContextOutcome,
    /// The time that the turn has waited for the hook.
    pub(in crate::services::turn) time: Duration,
    /// The number of texts that the model has got.
    pub(in crate::services::turn) texts: usize,
    /// The number of pages that the answer names.
    pub(in crate::services::turn) sources: usize,
    /// Whether the hook may have been at work, so that the turn counts in the limits.
    pub(in crate::services::turn) has_reached_hook: bool,
}

impl ContextRecord {
    /// Returns the record of a call that has brought no text.
    pub(in crate::services::turn) fn without_texts(
        outcome: ContextOutcome,
        time: Duration,
        has_reached_hook: bool,
    ) -> Self {
        Self { outcome, time, texts: 0, sources: 0, has_reached_hook }
    }

    /// Whether the model gets the texts.
    pub(in crate::services::turn) fn is_used(&self) -> bool {
        self.outcome == ContextOutcome::Used
    }

    /// Notes that the model does not get the texts after all.
    pub(in crate::services::turn) fn note_unused(&mut self) {
        if self.is_used() {
            *self = Self::without_texts(ContextOutcome::Unused, self.time, self.has_reached_hook);
        }
    }
}

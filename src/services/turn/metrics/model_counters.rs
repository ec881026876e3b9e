//! The counters of turns and calls by model.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::{Atomic, Counter},
        family::Family,
    },
};

use crate::domain::{
    chat::Finish,
    cost::{dollars, pico_dollars},
    errors::{TurnErrorKind, credentials, models},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FinishLabels {
    model: String,
    finish: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CodeLabels {
    pub(super) model: String,
    pub(super) code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModelLabel {
    pub(super) model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    model: String,
    kind: &'static str,
}

/// The counters of all models by their labels.
#[derive(Debug, Default)]
pub(super) struct ModelFamilies {
    pub(super) turns: Family<FinishLabels, Counter>,
    pub(super) errors: Family<CodeLabels, Counter>,
    pub(super) tokens: Family<TokenLabels, Counter>,
    pub(super) cost: Family<ModelLabel, CostCounter>,
    pub(super) attempts: Family<ModelLabel, Counter>,
}

/// A counter of US dollars, whose sums are exact.
pub(super) type CostCounter = Counter<f64, PicoDollars>;

/// The pico-dollars of a [`CostCounter`].
#[derive(Debug, Default)]
pub(super) struct PicoDollars(AtomicU64);

impl Atomic<f64> for PicoDollars {
    fn inc(&self) -> f64 {
        self.inc_by(1.0)
    }

    fn inc_by(&self, usd: f64) -> f64 {
        dollars(self.0.fetch_add(pico_dollars(usd), Ordering::Relaxed))
    }

    fn get(&self) -> f64 {
        dollars(self.0.load(Ordering::Relaxed))
    }
}

/// The counters of one model. They exist from the start, so that a first event shows as a change.
#[derive(Clone, Debug)]
pub(super) struct ModelCounters {
    pub(super) turns: [(Finish, Counter); Finish::ALL.len()],
    pub(super) prompt_tokens: Counter,
    pub(super) completion_tokens: Counter,
    pub(super) cost: CostCounter,
    pub(super) attempts: Counter,
}

/// The errors that need the operator at once. They are counted from the start, as an alert needs it.
const URGENT_ERRORS: [&TurnErrorKind; 4] = [
    &models::INVALID_API_KEY,
    &models::QUOTA_EXHAUSTED,
    &credentials::NO_API_KEY,
    &credentials::CREDENTIALS_UNAVAILABLE,
];

impl ModelFamilies {
    /// Makes the counters of a model for the errors that need the operator at once.
    pub(super) fn start_urgent_errors(&self, model: &str) {
        for kind in URGENT_ERRORS {
            drop(self.errors.get_or_create(&CodeLabels { model: model.to_owned(), code: kind.error.code.to_owned() }));
        }
    }

    /// Returns the counters of a model, which are made if there are none.
    pub(super) fn counters(&self, model: &str) -> ModelCounters {
        let label = ModelLabel { model: model.to_owned() };
        let of_kind = |kind| self.tokens.get_or_create_owned(&TokenLabels { model: model.to_owned(), kind });
        let of_finish = |finish: Finish| {
            let labels = FinishLabels { model: model.to_owned(), finish: finish.as_str() };
            (finish, self.turns.get_or_create_owned(&labels))
        };
        ModelCounters {
            turns: Finish::ALL.map(of_finish),
            prompt_tokens: of_kind("prompt"),
            completion_tokens: of_kind("completion"),
            cost: self.cost.get_or_create_owned(&label),
            attempts: self.attempts.get_or_create_owned(&label),
        }
    }
}

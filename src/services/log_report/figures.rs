//! The figures of any set of turns: of all, or of one group.

use super::{
    counts::Counts,
    distinct::Distinct,
    fields::{Fields, Text},
    quantiles::Quantiles,
    ratings::Ratings,
};
use crate::adapters::model::basic;

/// The name of the finish reason or key source that a line of an earlier version lacks.
pub(super) const UNKNOWN: &str = "unknown";

/// Sums, counts and sketches over turns.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) turns: u64,
    pub(super) errors: Counts,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// Turns whose tokens the model's server did not report.
    pub(super) estimated: u64,
    /// An integer, so that the sum does not depend on its order. Prices are whole pico-dollars per token.
    pub(super) cost_pico_usd: u128,
    /// Turns that asked a model of unknown price.
    pub(super) unpriced: u64,
    pub(super) latency: Quantiles,
    pub(super) first_word: Quantiles,
    pub(super) finish: Counts,
    pub(super) key_sources: Counts,
    pub(super) key_lookups: Counts,
    /// Calls to models that failed, by their error codes.
    pub(super) failed_calls: Counts,
    /// Turns that another model than the requested one was called for. The built-in responder answers if there is no key; it
    /// stands in for no model.
    pub(super) fallbacks: u64,
    /// Calls to models beyond the first of each turn.
    pub(super) retries: u64,
    /// Turns with such calls.
    pub(super) retried: u64,
    pub(super) sessions: Distinct,
    pub(super) visitors: Distinct,
    pub(super) ratings: Ratings,
}

impl Figures {
    pub(super) fn add(&mut self, turn: &Fields<'_>) {
        self.turns += 1;
        self.add_end(turn);
        self.add_usage(turn);
        self.add_calls(turn);
        self.add_people(turn);
        let times = [(&mut self.latency, turn.latency_ms), (&mut self.first_word, turn.first_word_ms)];
        for (quantiles, ms) in times {
            if let Some(ms) = ms {
                quantiles.add(ms.max(0.0));
            }
        }
    }

    /// Whether there is neither a turn nor a rating.
    pub(super) fn is_empty(&self) -> bool {
        self.turns == 0 && self.ratings.is_empty()
    }

    fn add_end(&mut self, turn: &Fields<'_>) {
        if let Some(code) = turn.code.as_deref() {
            self.errors.add(code, 1);
        } else if turn.is_error() {
            self.errors.add(&format!("status {}", turn.status.unwrap_or_default()), 1);
        }
        self.finish.add(turn.finish.as_deref().unwrap_or(UNKNOWN), 1);
    }

    fn add_usage(&mut self, turn: &Fields<'_>) {
        let source = turn.usage_source.as_deref();
        self.prompt_tokens = self.prompt_tokens.saturating_add(turn.prompt_tokens.unwrap_or_default());
        self.completion_tokens = self.completion_tokens.saturating_add(turn.completion_tokens.unwrap_or_default());
        self.estimated += u64::from(source == Some("estimated"));
        self.cost_pico_usd += pico_usd(turn.cost_usd);
        self.unpriced += u64::from(is_unpriced(turn.cost_usd, source));
    }

    fn add_calls(&mut self, turn: &Fields<'_>) {
        self.key_sources.add(turn.credential_source.as_deref().unwrap_or(UNKNOWN), 1);
        turn.key_lookup.iter().for_each(|lookup| self.key_lookups.add(lookup, 1));
        for code in turn.calls.iter().filter_map(|call| call.code.as_deref()) {
            self.failed_calls.add(code, 1);
        }
        let called = turn.model.as_deref();
        let differs = |requested: &Text<'_>| Some(&**requested) != called && called != Some(basic::NAME);
        self.fallbacks += u64::from(turn.requested_model.as_ref().is_some_and(differs));
        let repeated = turn.attempts.unwrap_or_default().saturating_sub(1);
        self.retries = self.retries.saturating_add(repeated);
        self.retried += u64::from(repeated > 0);
    }

    fn add_people(&mut self, turn: &Fields<'_>) {
        let session = turn.session_id.as_deref();
        if let Some(session) = session {
            self.sessions.add(session);
        }
        let name = turn.username.as_deref().filter(|_| turn.is_guest == Some(false));
        match (turn.user_id, name, session) {
            (Some(id), _, _) => self.visitors.add(("user", id)),
            (None, Some(name), _) => self.visitors.add(("name", name)),
            (None, None, Some(session)) => self.visitors.add(("session", session)),
            (None, None, None) => {}
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        self.turns += next.turns;
        self.errors.append(next.errors);
        self.prompt_tokens = self.prompt_tokens.saturating_add(next.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(next.completion_tokens);
        self.estimated += next.estimated;
        self.cost_pico_usd += next.cost_pico_usd;
        self.unpriced += next.unpriced;
        self.latency.append(next.latency);
        self.first_word.append(next.first_word);
        self.finish.append(next.finish);
        self.key_sources.append(next.key_sources);
        self.key_lookups.append(next.key_lookups);
        self.failed_calls.append(next.failed_calls);
        self.fallbacks += next.fallbacks;
        self.retries = self.retries.saturating_add(next.retries);
        self.retried += next.retried;
        self.sessions.append(next.sessions);
        self.visitors.append(next.visitors);
        self.ratings.append(next.ratings);
    }
}

/// Returns whether a turn asked a model whose price is not known, so that its cost is in no sum. Lines of earlier versions
/// name no source of their tokens, and no cost.
#[must_use]
pub fn is_unpriced(cost_usd: Option<f64>, usage_source: Option<&str>) -> bool {
    cost_usd.is_none() && usage_source != Some("none")
}

/// Returns a cost in pico-dollars; zero for one that is unknown or less than zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number out of range is cut to the range"
)]
pub(super) fn pico_usd(usd: Option<f64>) -> u128 {
    // As u64, ten million lines of the largest cost don't overflow their sum.
    u128::from((usd.unwrap_or_default() * 1e12).round() as u64)
}

/// Returns pico-dollars in dollars.
#[expect(clippy::cast_precision_loss, reason = "a sum for people")]
pub(super) fn usd(pico_usd: u128) -> f64 {
    pico_usd as f64 / 1e12
}

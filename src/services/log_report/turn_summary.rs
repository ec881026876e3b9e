//! The figures of any turns in the form in which people and programs read them.

use serde::Serialize;

use super::{
    counts::Named,
    distinct::Distinct,
    figures::{Figures, usd},
    quantiles::Quantiles,
};
use crate::domain::finish::Finish;

/// The figures of any turns.
#[derive(Clone, Debug, Serialize)]
pub struct TurnSummary {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The number of these by error code.
    pub errors_by_code: Named,
    /// The number of turns by the way in which they ended.
    pub finish: Named,
    /// The number of turns whose answer did not come to its end: by a limit, a filter, a stop, or because somebody left.
    pub cut_off: u64,
    /// The number of different sessions.
    pub sessions: u64,
    /// Whether that is an estimate.
    pub sessions_estimated: bool,
    /// The number of different people: accounts and portal visitors, names that are not guests', and sessions of guests.
    pub visitors: u64,
    /// Whether that is an estimate.
    pub visitors_estimated: bool,
    /// Tokens of the prompts.
    pub prompt_tokens: u64,
    /// Tokens of the answers.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The number of turns whose tokens are estimates.
    pub estimated_turns: u64,
    /// The cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The number of turns that asked a model of unknown price.
    pub unpriced_turns: u64,
    /// The time from the request to the end of the turn.
    pub latency_ms: Percentiles,
    /// The time from the request to the first text.
    pub first_word_ms: Percentiles,
    /// The number of turns for which another model than the requested one was called.
    pub fallbacks: u64,
    /// The number of calls to models after the first one of each turn.
    pub retries: u64,
    /// The number of turns with such calls.
    pub retried_turns: u64,
    /// The number of turns by the source of the API key.
    pub key_sources: Named,
    /// The number of turns by how Papita's key was found: `hit` in the cache, `fetched` or `failed`.
    pub key_lookups: Named,
    /// The number of calls to models that failed, by error code, also in turns that were answered by a later call.
    pub failed_calls: Named,
    /// The number of ratings that the answers were good. A rating that was changed counts as what it was changed to.
    pub rated_up: u64,
    /// The number of ratings that the answers were bad, likewise.
    pub rated_down: u64,
}

/// A number of different things, which may be an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The number.
    pub number: u64,
    /// Whether it is an estimate.
    pub is_estimate: bool,
}

/// Percentiles in milliseconds; `None` without turns that have the time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// The time that 95 % do not exceed.
    pub p95: Option<f64>,
    /// The time that 99 % do not exceed.
    pub p99: Option<f64>,
    /// The longest time.
    pub max: Option<f64>,
}

impl TurnSummary {
    pub(super) fn of(figures: &Figures) -> Self {
        let finish = figures.finish.sorted();
        let cut_off = finish.0.iter().filter(|(name, _)| is_cut_off(name)).map(|(_, turns)| turns).sum();
        // An estimate may be larger.
        let distinct = |distinct: &Distinct| distinct.count().min(figures.turns);
        Self {
            turns: figures.turns,
            errors: figures.errors.total(),
            errors_by_code: figures.errors.sorted(),
            finish,
            cut_off,
            sessions: distinct(&figures.sessions),
            sessions_estimated: figures.sessions.is_estimate(),
            visitors: distinct(&figures.visitors),
            visitors_estimated: figures.visitors.is_estimate(),
            prompt_tokens: figures.prompt_tokens,
            completion_tokens: figures.completion_tokens,
            total_tokens: figures.prompt_tokens.saturating_add(figures.completion_tokens),
            estimated_turns: figures.estimated,
            cost_usd: usd(figures.cost_pico_usd),
            unpriced_turns: figures.unpriced,
            latency_ms: Percentiles::of(&figures.latency),
            first_word_ms: Percentiles::of(&figures.first_word),
            fallbacks: figures.fallbacks,
            retries: figures.retries,
            retried_turns: figures.retried,
            key_sources: figures.key_sources.sorted(),
            key_lookups: figures.key_lookups.sorted(),
            failed_calls: figures.failed_calls.sorted(),
            rated_up: figures.ratings.up(),
            rated_down: figures.ratings.down(),
        }
    }

    /// Returns the number of different sessions.
    #[must_use]
    pub fn session_count(&self) -> Estimate {
        Estimate { number: self.sessions, is_estimate: self.sessions_estimated }
    }

    /// Returns the number of different people.
    #[must_use]
    pub fn visitor_count(&self) -> Estimate {
        Estimate { number: self.visitors, is_estimate: self.visitors_estimated }
    }
}

fn is_cut_off(finish: &str) -> bool {
    use Finish::{ClientGone, Complete, ContentFilter, Interrupted, Length, Stopped, Timeout, UpstreamError};
    match Finish::parse(finish) {
        Some(Length | ContentFilter | ClientGone | Stopped | Timeout | Interrupted) => true,
        Some(Complete | UpstreamError) | None => false,
    }
}

impl Percentiles {
    fn of(quantiles: &Quantiles) -> Self {
        // Microseconds, as in the log.
        let rounded = |ms: f64| (ms * 1000.0).round() / 1000.0;
        let [p50, p95, p99] = [50, 95, 99].map(|percent| quantiles.percentile(percent).map(rounded));
        Self { p50, p95, p99, max: quantiles.max().map(rounded) }
    }
}

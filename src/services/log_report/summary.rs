//! A report in the form in which people and programs read it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{
    damage::{Damage, DamageKind},
    distinct,
    figures::{Figures, usd},
    histogram::Bucket,
    quantiles::{self, Quantiles},
    query::GroupBy,
    report::{Refusals, Report},
    service::ServiceSummary,
    sessions::{LongSession, OpenSession},
    tallies::Tally,
};
use crate::domain::finish::Finish;

/// The figures of a log. Its JSON form is the output of `al-chat log report --format json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The number of lines that were read.
    pub lines: u64,
    /// The times of the first and the last covered line, as they are in the log; `None` without lines.
    pub period: Option<(String, String)>,
    /// The figures of all covered turns.
    pub turns: TurnSummary,
    /// The figures of each group: hours and days in their order, other groups by their number of turns.
    pub groups: Vec<Group>,
    /// The figures of the groups that had no place; `None` if all had one.
    pub other_groups: Option<TurnSummary>,
    /// The sessions.
    pub sessions: SessionSummary,
    /// The requests for turns that were refused before a turn began; they are no turns.
    pub refusals: RefusalSummary,
    /// The service's own events.
    pub service: ServiceSummary,
    /// Turns, errors and cost of each hour.
    pub hours: Vec<Tally>,
    /// Turns, errors and cost of each model, by the number of turns.
    pub models: Vec<Tally>,
    /// The distribution of latencies.
    pub latencies: Vec<Bucket>,
    /// The number of damaged lines and unreadable files by kind.
    pub damage: BTreeMap<DamageKind, u64>,
    /// The first damages.
    #[serde(skip)]
    pub named_damage: Vec<Damage>,
    /// The errors of the figures that are estimated.
    pub accuracy: Accuracy,
}

/// The figures of a group of turns.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The value of the field by which turns are grouped; `None` for the turns without it.
    pub group: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub turns: TurnSummary,
}

/// The figures of any turns.
#[derive(Debug, Serialize)]
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
    /// The number of different people: accounts and portal visitors, names that are not guests', and sessions of guests.
    pub visitors: u64,
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

/// Sessions that were started, stopped or are open.
#[derive(Debug, Serialize)]
pub struct SessionSummary {
    /// The number of sessions that have started.
    pub started: u64,
    /// The number of sessions that have ended.
    pub stopped: u64,
    /// The number of these by what has ended them.
    pub stopped_by: Named,
    /// The number of sessions that have started and not ended.
    pub open: u64,
    /// Those that are open for the longest time.
    pub longest_open: Vec<OpenSession>,
    /// The longest of the sessions that have ended.
    pub longest: Vec<LongSession>,
}

/// Requests for turns that were refused before a turn began.
#[derive(Debug, Serialize)]
pub struct RefusalSummary {
    /// The number of requests.
    pub requests: u64,
    /// The number of these by error code.
    pub by_code: Named,
    /// The number of these by endpoint.
    pub by_endpoint: Named,
}

/// The errors of estimated figures.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Accuracy {
    /// The largest error of a percentile, relative to it. Percentiles of few turns are exact.
    pub percentile_error: f64,
    /// The number of different sessions or visitors up to which the number is exact.
    pub distinct_exact: usize,
    /// The standard error of a larger number, relative to it.
    pub distinct_error: f64,
}

const ACCURACY: Accuracy =
    Accuracy { percentile_error: quantiles::ERROR, distinct_exact: distinct::EXACT, distinct_error: distinct::ERROR };

/// Numbers by name, the largest first; a JSON object.
#[derive(Clone, Debug, Default)]
pub struct Named(pub Vec<(String, u64)>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl Report {
    /// Returns the report's figures, for the grouping with which it was made.
    #[must_use]
    pub fn summary(&self, by: Option<GroupBy>) -> Summary {
        let mut models = self.models.by_name();
        models.sort_by_key(|tally| (tally.name.is_none(), std::cmp::Reverse(tally.turns)));
        Summary {
            lines: self.lines,
            period: self.period.clone(),
            turns: TurnSummary::of(&self.total),
            groups: self.group_summaries(by.is_some_and(GroupBy::is_time)),
            other_groups: (self.groups.other.turns > 0).then(|| TurnSummary::of(&self.groups.other)),
            sessions: self.session_summary(),
            refusals: self.refusal_summary(),
            service: self.service,
            hours: self.hours.by_name(),
            models,
            latencies: self.latencies.buckets(),
            damage: self.damages.counts.clone(),
            named_damage: self.damages.named.clone(),
            accuracy: ACCURACY,
        }
    }

    fn group_summaries(&self, by_time: bool) -> Vec<Group> {
        let groups = self.groups.all();
        let group = |(key, figures): (Option<&str>, _)| (key.map(str::to_owned), TurnSummary::of(figures));
        let groups = groups.map(group).map(|(group, turns)| Group { group, turns });
        let mut groups = groups.collect::<Vec<_>>();
        groups.sort_by(|group, other| group.group.cmp(&other.group));
        if !by_time {
            groups.sort_by_key(|group| std::cmp::Reverse(group.turns.turns));
        }
        groups
    }

    fn session_summary(&self) -> SessionSummary {
        let sessions = &self.sessions;
        SessionSummary {
            started: sessions.started,
            stopped: sessions.stopped.total(),
            stopped_by: Named(sessions.stopped.sorted()),
            open: sessions.open_count(),
            longest_open: sessions.longest_open(),
            longest: sessions.longest().to_vec(),
        }
    }

    fn refusal_summary(&self) -> RefusalSummary {
        let Refusals { codes, endpoints } = &self.refusals;
        RefusalSummary {
            requests: codes.total(),
            by_code: Named(codes.sorted()),
            by_endpoint: Named(endpoints.sorted()),
        }
    }
}

impl TurnSummary {
    fn of(figures: &Figures) -> Self {
        let finish = figures.finish.sorted();
        let cut_off = finish.iter().filter(|(name, _)| is_cut_off(name)).map(|(_, turns)| turns).sum();
        Self {
            turns: figures.turns,
            errors: figures.errors.total(),
            errors_by_code: Named(figures.errors.sorted()),
            finish: Named(finish),
            cut_off,
            sessions: figures.sessions.count(),
            visitors: figures.visitors.count(),
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
            key_sources: Named(figures.key_sources.sorted()),
            key_lookups: Named(figures.key_lookups.sorted()),
            failed_calls: Named(figures.failed_calls.sorted()),
        }
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
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| quantiles.get(part).map(rounded));
        Self { p50, p95, p99, max: quantiles.max().map(rounded) }
    }
}

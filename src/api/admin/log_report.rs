//! The JSON body of a usage report.

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;

use crate::services::log_report::{Group, GroupBy, Named, Percentiles, Summary, TurnSummary};

/// The field by which a report groups turns: `user` is the name of the user, `key` that of a server's API key, `code` the error code.
/// `day` and `hour` are those of a turn's end in the log's time zone.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(super) enum LogReportGrouping {
    User,
    Site,
    Key,
    Persona,
    Model,
    Code,
    Day,
    Hour,
}

/// Numbers, tokens, cost and times of turns, read from the session log of one replica.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct LogReport {
    /// The field by which turns are grouped; left out without groups.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<LogReportGrouping>,
    /// The time of the first line in the report, as the log has it; null without lines.
    #[oai(nullable)]
    first_line_at: Option<String>,
    /// The time of the last line.
    #[oai(nullable)]
    last_line_at: Option<String>,
    /// The figures of all turns.
    total: LogReportFigures,
    /// The figures of each group: days and hours in their order, others by their number of turns. At most 500: the first in the log.
    groups: Vec<LogReportGroup>,
    /// The figures of the turns of further groups; left out if there are none.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    other_groups: Option<LogReportFigures>,
    /// The number of lines that are not in the figures, because they are damaged or were counted before.
    lines_left_out: u64,
    /// The number of files that could not be read to their end, so that the figures lack turns.
    unreadable_files: u64,
}

/// The figures of a group of turns.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct LogReportGroup {
    /// The value of the field; null for the turns without it.
    #[oai(nullable)]
    group: Option<String>,
    /// The figures.
    figures: LogReportFigures,
}

/// The figures of turns.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct LogReportFigures {
    /// The number of turns.
    turns: u64,
    /// The number of turns that ended without an answer.
    errors: u64,
    /// The number of these by error code.
    errors_by_code: BTreeMap<String, u64>,
    /// The number of turns by the way in which they ended, as the session log names it.
    finish: BTreeMap<String, u64>,
    /// The number of turns whose answer did not come to its end: by a limit, a filter, a stop, or because somebody left.
    cut_off: u64,
    /// The number of different sessions.
    sessions: u64,
    /// Whether that is an estimate, with a standard error of 0.8 %.
    sessions_estimated: bool,
    /// The number of different people: accounts and portal visitors, names that are not guests', and sessions of guests.
    visitors: u64,
    /// Whether that is an estimate, with a standard error of 0.8 %.
    visitors_estimated: bool,
    /// The tokens of the prompts.
    prompt_tokens: u64,
    /// The tokens of the answers.
    completion_tokens: u64,
    /// The sum of both.
    total_tokens: u64,
    /// The number of turns whose tokens are estimates.
    estimated_turns: u64,
    /// The cost in US dollars, as far as prices are known.
    cost_usd: f64,
    /// The number of turns that asked a model of unknown price.
    unpriced_turns: u64,
    /// The time from the request to the end of the turn.
    latency_ms: LogReportPercentiles,
    /// The time from the request to the first text.
    first_word_ms: LogReportPercentiles,
    /// The number of turns for which another model than the requested one was called.
    fallbacks: u64,
    /// The number of calls to models after the first one of each turn.
    retries: u64,
    /// The number of turns with such calls.
    retried_turns: u64,
    /// The number of calls to models that failed, by error code, also in turns that were answered by a later call.
    failed_calls: BTreeMap<String, u64>,
    /// The number of turns by the source of the provider's key.
    key_sources: BTreeMap<String, u64>,
    /// The number of turns by how the key of Papita was found: `hit` in the cache, `fetched` or `failed`.
    key_lookups: BTreeMap<String, u64>,
    /// The number of ratings that the answers were good. A rating that was changed counts as what it was changed to.
    rated_up: u64,
    /// The number of ratings that the answers were bad, likewise.
    rated_down: u64,
}

/// Percentiles in milliseconds, within 1 %; null without turns that have the time.
#[derive(Debug, Object, Serialize)]
struct LogReportPercentiles {
    /// The median.
    #[oai(nullable)]
    p50: Option<f64>,
    /// The time that 95 % do not exceed.
    #[oai(nullable)]
    p95: Option<f64>,
    /// The time that 99 % do not exceed.
    #[oai(nullable)]
    p99: Option<f64>,
    /// The longest time.
    #[oai(nullable)]
    max: Option<f64>,
}

impl LogReportGrouping {
    pub(super) fn group_by(self) -> GroupBy {
        match self {
            Self::User => GroupBy::User,
            Self::Site => GroupBy::Site,
            Self::Key => GroupBy::Key,
            Self::Persona => GroupBy::Persona,
            Self::Model => GroupBy::Model,
            Self::Code => GroupBy::Code,
            Self::Day => GroupBy::Day,
            Self::Hour => GroupBy::Hour,
        }
    }
}

impl LogReport {
    /// Returns the body for a summary that was made with this grouping.
    pub(super) fn new(summary: Summary, by: Option<LogReportGrouping>) -> Self {
        let (lines_left_out, unreadable_files) = (summary.lines_left_out(), summary.unreadable_files());
        let groups = summary.groups.into_iter();
        let (first_line_at, last_line_at) = summary.period.unzip();
        Self {
            by,
            first_line_at,
            last_line_at,
            total: LogReportFigures::new(summary.turns),
            groups: groups.map(LogReportGroup::new).collect(),
            other_groups: summary.other_groups.map(LogReportFigures::new),
            lines_left_out,
            unreadable_files,
        }
    }
}

impl LogReportGroup {
    pub(super) fn new(group: Group) -> Self {
        Self { group: group.group, figures: LogReportFigures::new(group.turns) }
    }
}

impl LogReportFigures {
    pub(super) fn new(turns: TurnSummary) -> Self {
        let by_name = |Named(counts): Named| counts.into_iter().collect();
        Self {
            turns: turns.turns,
            errors: turns.errors,
            errors_by_code: by_name(turns.errors_by_code),
            finish: by_name(turns.finish),
            cut_off: turns.cut_off,
            sessions: turns.sessions,
            sessions_estimated: turns.sessions_estimated,
            visitors: turns.visitors,
            visitors_estimated: turns.visitors_estimated,
            prompt_tokens: turns.prompt_tokens,
            completion_tokens: turns.completion_tokens,
            total_tokens: turns.total_tokens,
            estimated_turns: turns.estimated_turns,
            cost_usd: turns.cost_usd,
            unpriced_turns: turns.unpriced_turns,
            latency_ms: LogReportPercentiles::new(turns.latency_ms),
            first_word_ms: LogReportPercentiles::new(turns.first_word_ms),
            fallbacks: turns.fallbacks,
            retries: turns.retries,
            retried_turns: turns.retried_turns,
            failed_calls: by_name(turns.failed_calls),
            key_sources: by_name(turns.key_sources),
            key_lookups: by_name(turns.key_lookups),
            rated_up: turns.rated_up,
            rated_down: turns.rated_down,
        }
    }
}

impl LogReportPercentiles {
    fn new(Percentiles { p50, p95, p99, max }: Percentiles) -> Self {
        Self { p50, p95, p99, max }
    }
}

impl Example for LogReport {
    fn example() -> Self {
        let at = |time: &str| format!("2026-11-29T{time}+01:00");
        Self {
            by: Some(LogReportGrouping::Site),
            first_line_at: Some(at("08:12:44.310000")),
            last_line_at: Some(at("17:03:09.872000")),
            total: LogReportFigures::example(),
            groups: vec![LogReportGroup::example()],
            other_groups: None,
            lines_left_out: 0,
            unreadable_files: 0,
        }
    }
}

impl Example for LogReportGroup {
    fn example() -> Self {
        Self { group: Some("shop".to_owned()), figures: LogReportFigures::example() }
    }
}

impl Example for LogReportFigures {
    fn example() -> Self {
        let by_name =
            |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let percentiles = |p50, p95, p99, max| LogReportPercentiles {
            p50: Some(p50),
            p95: Some(p95),
            p99: Some(p99),
            max: Some(max),
        };
        Self {
            turns: 120,
            errors: 2,
            errors_by_code: by_name(&[("model_timeout", 2)]),
            finish: by_name(&[("complete", 115), ("stopped", 3), ("upstream_error", 2)]),
            cut_off: 3,
            sessions: 41,
            sessions_estimated: false,
            visitors: 38,
            visitors_estimated: false,
            prompt_tokens: 54_310,
            completion_tokens: 17_925,
            total_tokens: 72_235,
            estimated_turns: 0,
            cost_usd: 0.018_901_5,
            unpriced_turns: 0,
            latency_ms: percentiles(1840.0, 4210.0, 6730.0, 9125.5),
            first_word_ms: percentiles(320.0, 710.0, 1190.0, 1480.25),
            fallbacks: 1,
            retries: 3,
            retried_turns: 2,
            failed_calls: by_name(&[("model_overloaded", 1), ("model_timeout", 2)]),
            key_sources: by_name(&[("papita_api", 120)]),
            key_lookups: by_name(&[("fetched", 1), ("hit", 119)]),
            rated_up: 9,
            rated_down: 1,
        }
    }
}

//! A report in the form in which people and programs read it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    counts::Named,
    damage::{Damage, DamageKind},
    distinct,
    groups::Groups,
    histogram::Bucket,
    quantiles,
    query::GroupBy,
    report::{Refusals, Report},
    service::ServiceSummary,
    sessions::{LongSession, OpenSession},
    tallies::Tally,
    turn_summary::TurnSummary,
};

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
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The value of the field by which turns are grouped; `None` for the turns without it.
    pub group: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub turns: TurnSummary,
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
    /// The number of these by site, of those that have one.
    pub by_site: Named,
}

/// The errors of estimated figures.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Accuracy {
    /// The number of turns up to which percentiles are exact.
    pub percentile_exact: usize,
    /// The largest error of a percentile of more turns, relative to it.
    pub percentile_error: f64,
    /// The number of different sessions or visitors up to which the number is exact.
    pub distinct_exact: usize,
    /// The standard error of a larger number, relative to it.
    pub distinct_error: f64,
}

const ACCURACY: Accuracy = Accuracy {
    percentile_exact: quantiles::EXACT_VALUES,
    percentile_error: quantiles::ERROR,
    distinct_exact: distinct::EXACT,
    distinct_error: distinct::ERROR,
};

impl Summary {
    /// Returns the number of lines that are not in the figures, because they are damaged or were counted before.
    #[must_use]
    pub fn lines_left_out(&self) -> u64 {
        self.damage.iter().filter(|(kind, _)| **kind != DamageKind::Unreadable).map(|(_, lines)| lines).sum()
    }

    /// Returns the number of files that could not be read to their end.
    #[must_use]
    pub fn unreadable_files(&self) -> u64 {
        self.damage.get(&DamageKind::Unreadable).copied().unwrap_or_default()
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
            groups: group_summaries(&self.groups, by.is_some_and(GroupBy::is_time)),
            other_groups: (!self.groups.other.is_empty()).then(|| TurnSummary::of(&self.groups.other)),
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

    fn session_summary(&self) -> SessionSummary {
        let sessions = &self.sessions;
        SessionSummary {
            started: sessions.started,
            stopped: sessions.stopped.total(),
            stopped_by: sessions.stopped.sorted(),
            open: sessions.open_count(),
            longest_open: sessions.longest_open(),
            longest: sessions.longest().to_vec(),
        }
    }

    fn refusal_summary(&self) -> RefusalSummary {
        let Refusals { codes, endpoints, sites } = &self.refusals;
        RefusalSummary {
            requests: codes.total(),
            by_code: codes.sorted(),
            by_endpoint: endpoints.sorted(),
            by_site: sites.sorted(),
        }
    }
}

/// Returns the figures of groups: by name if they are parts of time, otherwise by their number of turns.
pub(super) fn group_summaries(groups: &Groups, by_time: bool) -> Vec<Group> {
    let group = |(key, figures): (Option<&str>, _)| (key.map(str::to_owned), TurnSummary::of(figures));
    let groups = groups.all().map(group).map(|(group, turns)| Group { group, turns });
    let mut groups = groups.collect::<Vec<_>>();
    groups.sort_by(|group, other| group.group.cmp(&other.group));
    if !by_time {
        groups.sort_by_key(|group| std::cmp::Reverse(group.turns.turns));
    }
    groups
}

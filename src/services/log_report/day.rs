//! The figures of one day: of all its turns, and by hour, model, site and persona, made in one pass over its lines.

use jiff::{civil::Date, tz::TimeZone};

use super::{
    fields::Fields,
    groups::Groups,
    line_parser::parse,
    query::{GroupBy, MaxGroups, Query},
    report::Report,
    summary::{Group, group_summaries},
    turn_summary::TurnSummary,
};
use crate::{
    adapters::{
        log_files::{LineEnd, SeenLines},
        session_log::{ChatLine, Event, FeedbackLine},
    },
    domain::time_bound::TimeBound,
};

/// The fields by which a day's turns are grouped.
const GROUPINGS: [GroupBy; 4] = [GroupBy::Hour, GroupBy::Model, GroupBy::Site, GroupBy::Persona];

/// The figures of a day as far as its lines were read.
#[derive(Debug)]
pub(super) struct DayFigures {
    query: Query,
    report: Report,
    groups: [Groups; GROUPINGS.len()],
    seen: SeenLines,
    lines_left_out: u64,
    unreadable_files: u64,
}

/// The figures of a day in the form in which people and programs read them.
#[derive(Clone, Debug)]
pub struct DaySummary {
    /// The day in the log's time zone.
    pub day: Date,
    /// The times of the first and the last line, as they are in the log; `None` without lines.
    pub period: Option<(String, String)>,
    /// The figures of all turns.
    pub total: TurnSummary,
    /// Those of each hour, in their order.
    pub by_hour: Vec<Group>,
    /// Those of each model, by their number of turns, as those of sites and personas.
    pub by_model: Vec<Group>,
    /// Those of each site.
    pub by_site: Vec<Group>,
    /// Those of each persona.
    pub by_persona: Vec<Group>,
    /// The number of lines that are not in the figures, because they are damaged or were counted before.
    pub lines_left_out: u64,
    /// The number of files that could not be read to their end.
    pub unreadable_files: u64,
}

impl DayFigures {
    /// Returns the figures of a day without lines.
    pub(super) fn new(query: Query, max_groups: MaxGroups) -> Self {
        Self {
            report: Report::new(&query),
            query,
            groups: GROUPINGS.map(|_| Groups::new(max_groups)),
            seen: SeenLines::default(),
            lines_left_out: 0,
            unreadable_files: 0,
        }
    }

    /// Adds a line. Returns whether it is of this day and was not added before.
    pub(super) fn add(&mut self, line: &[u8], end: LineEnd) -> bool {
        let Ok(fields) = parse(line, end) else {
            self.lines_left_out += 1;
            return false;
        };
        if fields.position().is_some_and(|position| !self.seen.add(position)) {
            self.lines_left_out += 1;
            return false;
        }
        if !self.query.covers(&fields) {
            return false;
        }
        self.report.add(&fields, &self.query);
        self.add_to_groups(&fields);
        true
    }

    /// Adds a file that could not be read to its end.
    pub(super) fn add_unreadable_file(&mut self) {
        self.unreadable_files += 1;
    }

    fn add_to_groups(&mut self, fields: &Fields<'_>) {
        for (by, groups) in GROUPINGS.into_iter().zip(&mut self.groups) {
            match fields.event.as_deref() {
                Some(ChatLine::NAME) => groups.add(by.key(fields), fields),
                Some(FeedbackLine::NAME) => groups.add_feedback(by.key(fields), fields),
                _ => {}
            }
        }
    }

    /// Returns the figures of the lines so far.
    pub(super) fn summary(&self, day: Date) -> DaySummary {
        let [by_hour, by_model, by_site, by_persona] = &self.groups;
        DaySummary {
            day,
            period: self.report.period.clone(),
            total: TurnSummary::of(&self.report.total),
            by_hour: group_summaries(by_hour, true),
            by_model: group_summaries(by_model, false),
            by_site: group_summaries(by_site, false),
            by_persona: group_summaries(by_persona, false),
            lines_left_out: self.lines_left_out,
            unreadable_files: self.unreadable_files,
        }
    }
}

/// Returns a query that covers one day.
pub(super) fn query_of(day: Date, zone: &TimeZone) -> Query {
    let bound = || Some(TimeBound::Day(day.to_string()));
    Query { since: bound(), until: bound(), zone: Some(zone.clone()), ..Query::default() }
}

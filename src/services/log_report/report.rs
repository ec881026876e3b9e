//! The report over the lines of a log, which is built chunk by chunk.

use super::{
    counts::{Counts, shortened},
    damage::{Damage, DamageKind, Damages},
    fields::Fields,
    figures::{Figures, UNKNOWN, is_unpriced, pico_usd},
    groups::Groups,
    histogram::Histogram,
    line_parser::parse,
    query::Query,
    repeated::{Repeated, RepeatedLines},
    service::ServiceSummary,
    sessions::Sessions,
    tallies::{Sums, Tallies},
};
use crate::{
    adapters::{
        log_files::Chunk,
        session_log::{ChatLine, Event, FeedbackLine, RefusalLine, SessionStart, SessionStop},
    },
    domain::log_position::LogPosition,
};

/// The figures of the lines read so far. [`Report::summary`] has them in a form for people and programs.
#[derive(Debug, Default)]
pub struct Report {
    /// The number of lines, damaged and repeated ones included.
    pub(super) lines: u64,
    /// The first and the last time of the covered lines, as they are written.
    pub(super) period: Option<(String, String)>,
    pub(super) total: Figures,
    pub(super) groups: Groups,
    pub(super) sessions: Sessions,
    pub(super) service: ServiceSummary,
    pub(super) refusals: Refusals,
    pub(super) hours: Tallies,
    pub(super) models: Tallies,
    pub(super) latencies: Histogram,
    pub(super) damages: Damages,
}

/// Requests for turns that were refused before a turn began.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) codes: Counts,
    pub(super) endpoints: Counts,
    /// Only requests of sites.
    pub(super) sites: Counts,
}

impl Report {
    /// Returns the report of no line.
    pub(super) fn new(query: &Query) -> Self {
        Self { groups: Groups::new(query.max_groups), ..Self::default() }
    }

    /// Reports the lines of a chunk without those of which `is_repeated` says, by their positions and numbers, that they are in the
    /// log before.
    pub(super) fn of_chunk(
        chunk: &Chunk<'_>,
        query: &Query,
        mut is_repeated: impl FnMut(LogPosition, u64) -> bool,
    ) -> Self {
        let mut report = Self::new(query);
        for line in chunk.lines() {
            report.lines += 1;
            match parse(line.bytes, line.end) {
                Ok(fields) if fields.position().is_some_and(|position| is_repeated(position, line.number)) => {}
                Ok(fields) if query.covers(&fields) => report.add(&fields, query),
                Ok(_) => {}
                Err(kind) => report.add_damage(chunk, line.number, kind, String::new()),
            }
        }
        if let Some(failure) = &chunk.failure {
            report.add_damage(chunk, chunk.next_line(), DamageKind::Unreadable, failure.to_string());
        }
        report
    }

    fn add_damage(&mut self, chunk: &Chunk<'_>, line: u64, kind: DamageKind, cause: String) {
        self.damages.add(Damage { file_index: chunk.file_index, line, lines: 1, kind, cause });
    }

    /// Names the lines that are left out because they are in the log before.
    pub(super) fn add_repeated(&mut self, repeated: &Repeated) {
        for lines in repeated.lines() {
            let RepeatedLines { file_index, first_line: line, last_line } = *lines;
            let (lines, kind) = (last_line - line + 1, DamageKind::Duplicated);
            self.damages.add(Damage { file_index, line, lines, kind, cause: String::new() });
        }
    }

    /// Adds a line that the query covers.
    pub(super) fn add(&mut self, fields: &Fields<'_>, query: &Query) {
        if let (Some(timestamp), Some(_)) = (fields.timestamp.as_deref(), fields.hour()) {
            let timestamp = shortened(timestamp);
            self.extend_period(timestamp, timestamp);
        }
        match fields.event.as_deref() {
            Some(ChatLine::NAME) => self.add_turn(fields, query),
            Some(FeedbackLine::NAME) => self.add_feedback(fields, query),
            Some(SessionStart::NAME) => self.sessions.start(fields),
            Some(SessionStop::NAME) => self.sessions.stop(fields),
            Some(RefusalLine::NAME) => self.refusals.add(fields),
            _ => self.service.add(fields),
        }
    }

    fn add_turn(&mut self, turn: &Fields<'_>, query: &Query) {
        self.total.add(turn);
        if let Some(by) = query.by {
            self.groups.add(by.key(turn), turn);
        }
        turn.latency_ms.into_iter().for_each(|ms| self.latencies.add(ms));
        let (errors, cost_pico_usd) = (turn.is_error().into(), pico_usd(turn.cost_usd));
        let unpriced = is_unpriced(turn.cost_usd, turn.usage_source.as_deref()).into();
        let sums = Sums { turns: 1, errors, cost_pico_usd, unpriced, failed_calls: 0 };
        self.hours.add(turn.hour(), sums);
        self.models.add(turn.model.as_deref(), sums);
        for call in turn.calls.iter().filter(|call| call.code.is_some()) {
            let failed = Sums { failed_calls: 1, ..Sums::default() };
            self.hours.add(turn.hour(), failed);
            self.models.add(call.model.as_deref(), failed);
        }
    }

    /// Adds a rating to all turns, and to the groups of a field that its line has.
    fn add_feedback(&mut self, feedback: &Fields<'_>, query: &Query) {
        self.total.ratings.add(feedback);
        if let Some(by) = query.by.filter(|by| by.has_feedback()) {
            self.groups.add_feedback(by.key(feedback), feedback);
        }
    }

    /// Times of one zone are compared as texts, so an hour that is repeated in autumn may be out of order.
    fn extend_period(&mut self, first: &str, last: &str) {
        match &mut self.period {
            None => self.period = Some((first.to_owned(), last.to_owned())),
            Some((begin, _)) if first < begin.as_str() => first.clone_into(begin),
            Some((_, end)) if last > end.as_str() => last.clone_into(end),
            Some(_) => {}
        }
    }

    /// Appends the report over the part of the log that follows.
    pub(super) fn append(&mut self, next: Self) {
        self.lines += next.lines;
        if let Some((first, last)) = next.period {
            self.extend_period(&first, &first);
            self.extend_period(&last, &last);
        }
        self.total.append(next.total);
        self.groups.append(next.groups);
        self.sessions.append(next.sessions);
        self.service.append(next.service);
        self.refusals.append(next.refusals);
        self.hours.append(next.hours);
        self.models.append(next.models);
        self.latencies.append(&next.latencies);
        self.damages.append(next.damages);
    }
}

impl Refusals {
    fn add(&mut self, fields: &Fields<'_>) {
        let count = fields.count.unwrap_or(1);
        self.codes.add(fields.code.as_deref().unwrap_or(UNKNOWN), count);
        self.endpoints.add(fields.endpoint.as_deref().unwrap_or(UNKNOWN), count);
        fields.site.iter().for_each(|site| self.sites.add(site, count));
    }

    fn append(&mut self, next: Self) {
        self.codes.append(next.codes);
        self.endpoints.append(next.endpoints);
        self.sites.append(next.sites);
    }
}

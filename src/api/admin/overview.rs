//! `GET /api/admin/overview`: the figures of one day.

use jiff::civil::Date;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;

use super::{
    log_report::{LogReportFigures, LogReportGroup},
    usage::invalid,
};
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    foundation::clock::Clock,
    services::log_report::{self as report, DaySummary},
};

failures! { OverviewFailure {
    400 "`date` is invalid (`invalid_request`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The session log cannot be read (`session_log_unreadable`), or the service is restarting (`stopping`).",
} }

/// The figures of one day, read from the session log of one replica.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(super) struct Overview {
    /// The day in the log's time zone.
    date: String,
    /// The name of the log's time zone, or its offset now.
    time_zone: String,
    /// The time of the first line of the day, as the log has it; null without lines.
    #[oai(nullable)]
    first_line_at: Option<String>,
    /// The time of the last line.
    #[oai(nullable)]
    last_line_at: Option<String>,
    /// The figures of all turns.
    total: LogReportFigures,
    /// Those of each hour with turns, in their order.
    by_hour: Vec<LogReportGroup>,
    /// Those of each model, the one with most turns first. At most 500, as of sites and personas: the first in the log.
    by_model: Vec<LogReportGroup>,
    /// Those of each site; the group null is of turns without one.
    by_site: Vec<LogReportGroup>,
    /// Those of each persona.
    by_persona: Vec<LogReportGroup>,
    /// The number of lines that are not in the figures, because they are damaged or were counted before.
    lines_left_out: u64,
    /// The number of files that could not be read to their end, so that the figures lack turns.
    unreadable_files: u64,
}

impl Overview {
    pub(super) fn new(summary: DaySummary, clock: &Clock) -> Self {
        let DaySummary { day, period, total, by_hour, by_model, by_site, by_persona, .. } = summary;
        let groups = |groups: Vec<report::Group>| groups.into_iter().map(LogReportGroup::new).collect();
        let (first_line_at, last_line_at) = period.unzip();
        Self {
            date: day.to_string(),
            time_zone: time_zone(clock),
            first_line_at,
            last_line_at,
            total: LogReportFigures::new(total),
            by_hour: groups(by_hour),
            by_model: groups(by_model),
            by_site: groups(by_site),
            by_persona: groups(by_persona),
            lines_left_out: summary.lines_left_out,
            unreadable_files: summary.unreadable_files,
        }
    }
}

fn time_zone(clock: &Clock) -> String {
    let zone = clock.zone();
    zone.iana_name().map_or_else(|| zone.to_offset(clock.now()).to_string(), str::to_owned)
}

/// Returns the day of a parameter `date`; today in the log's time zone without one.
pub(super) fn day_of(date: Option<&str>, clock: &Clock) -> Result<Date, Problem> {
    match date {
        Some(date) => date.parse().map_err(|_| invalid("date", "expected a day such as 2026-11-29")),
        None => Ok(clock.local(clock.now()).1),
    }
}

pub(in crate::api) struct OverviewApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl OverviewApi {
    /// Read the figures of a day
    ///
    /// Reads the session log of this replica once, and returns the figures of a day's turns: of all, and by hour, model, site and
    /// persona. They are those of `GET /api/admin/usage`.
    #[oai(path = "/overview", method = "get", operation_id = "getOverview")]
    async fn overview(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The day, `2026-11-29`; today in the log's time zone by default.
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}$"))]
        Query(date): Query<Option<String>>,
    ) -> Result<Json<Overview>, OverviewFailure> {
        let day = day_of(date.as_deref(), &state.clock)?;
        let summary = state.log_reports.day(day, state.clock.zone()).await.map_err(Problem::from)?;
        Ok(Json(Overview::new(summary, &state.clock)))
    }
}

impl Example for Overview {
    fn example() -> Self {
        let at = |time: &str| Some(format!("2026-11-29T{time}+01:00"));
        Self {
            date: "2026-11-29".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            first_line_at: at("08:12:44.310000"),
            last_line_at: at("17:03:09.872000"),
            total: LogReportFigures::example(),
            by_hour: Vec::new(),
            by_model: Vec::new(),
            by_site: vec![LogReportGroup::example()],
            by_persona: Vec::new(),
            lines_left_out: 0,
            unreadable_files: 0,
        }
    }
}

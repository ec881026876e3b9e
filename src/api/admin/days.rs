//! `GET /api/admin/days`: the figures of the last days.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;

use super::log_report::LogReportFigures;
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    services::log_report as report,
};

/// The number of days when the request has no `count`.
const DEFAULT_COUNT: u64 = 29;

failures! { DaysFailure {
    400 "`count` is invalid (`invalid_request`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The session log cannot be read (`session_log_unreadable`), or the service is restarting (`stopping`).",
} }

/// The figures of a day.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DayFigures", example)]
struct Day {
    /// The day in the log's time zone.
    date: String,
    /// The figures of its turns.
    figures: LogReportFigures,
}

pub(in crate::api) struct DaysApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl DaysApi {
    /// Read the figures of past days
    ///
    /// Returns the figures of each of the days before today that has turns, in their order, of the session log of this replica. They
    /// are kept in memory until a file of the log has changed.
    #[oai(path = "/days", method = "get", operation_id = "listDays")]
    async fn list(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The number of days before today; 29 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "366")))]
        Query(count): Query<Option<u64>>,
    ) -> Result<Json<Vec<Day>>, DaysFailure> {
        let (_, today) = state.clock.local(state.clock.now());
        let span = |days: u64| jiff::Span::new().days(i64::try_from(days).unwrap_or(1));
        let before = |days: u64| today.saturating_sub(span(days));
        let (first, last) = (before(count.unwrap_or(DEFAULT_COUNT)), before(1));
        let days = state.log_reports.past_days(first, last, state.clock.zone()).await.map_err(Problem::from)?;
        let day = |group: &report::Group| {
            let figures = LogReportFigures::new(group.turns.clone());
            Some(Day { date: group.group.clone()?, figures })
        };
        Ok(Json(days.iter().filter_map(day).collect()))
    }
}

impl Example for Day {
    fn example() -> Self {
        Self { date: "2026-11-29".to_owned(), figures: LogReportFigures::example() }
    }
}

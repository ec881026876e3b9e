//! `GET /api/admin/usage` and `/usage/csv`: what users, sites, API keys, personas or models have used, by the session log.

use poem::{
    IntoResponse, Response,
    http::{HeaderName, HeaderValue, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Query,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};

use super::log_report::{LogReport, LogReportGrouping};
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    domain::{errors::requests, time_bound::TimeBound},
    services::log_report::{self as report, Summary, format_csv},
};

/// The media type of CSV (RFC 7111), without its charset.
const CSV: &str = "text/csv";

/// The header with the number of lines that a report lacks.
const LINES_LEFT_OUT: HeaderName = HeaderName::from_static("x-lines-left-out");

/// The header with the number of files that could not be read to their end.
const UNREADABLE_FILES: HeaderName = HeaderName::from_static("x-unreadable-files");

failures! { UsageFailure {
    400 "`by`, `since` or `until` is invalid (`invalid_request`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The session log cannot be read (`session_log_unreadable`), or the service is restarting (`stopping`).",
} }

/// A report as CSV, with the numbers of lines and of ends of files that it lacks.
struct CsvReport {
    text: String,
    lines_left_out: u64,
    unreadable_files: u64,
}

pub(in crate::api) struct UsageApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl UsageApi {
    /// Report what was used
    ///
    /// Reads the session log of this replica and returns the figures of its turns, of all together and of each user, site, API key,
    /// persona, model, error code, day or hour: the same as `al-chat log report` prints. One report is made at a time.
    #[oai(path = "/usage", method = "get", operation_id = "reportUsage")]
    async fn report(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The field by which turns are grouped; without it, there are only the figures of all turns.
        Query(by): Query<Option<LogReportGrouping>>,
        /// Leaves out what was before a day (`2026-11-29`) or a time (`2026-11-29T13:45` in the log's time zone, or with an offset).
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}([Tt ].{1,40})?$"))]
        Query(since): Query<Option<String>>,
        /// Leaves out what was after this day, or from this time on.
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}([Tt ].{1,40})?$"))]
        Query(until): Query<Option<String>>,
    ) -> Result<Json<LogReport>, UsageFailure> {
        Ok(Json(LogReport::new(read(state, by, since, until).await?, by)))
    }

    /// Report what was used, as CSV
    ///
    /// Returns the figures of `GET /api/admin/usage` with a row for each group, in the columns of `al-chat log report --format csv`.
    #[oai(path = "/usage/csv", method = "get", operation_id = "reportUsageCsv")]
    async fn report_csv(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The field by which turns are grouped; without it, there is one row, of all turns.
        Query(by): Query<Option<LogReportGrouping>>,
        /// Leaves out what was before a day (`2026-11-29`) or a time (`2026-11-29T13:45` in the log's time zone, or with an offset).
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}([Tt ].{1,40})?$"))]
        Query(since): Query<Option<String>>,
        /// Leaves out what was after this day, or from this time on.
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}([Tt ].{1,40})?$"))]
        Query(until): Query<Option<String>>,
    ) -> Result<CsvReport, UsageFailure> {
        let summary = read(state, by, since, until).await?;
        let text = format_csv(&summary, by.map(LogReportGrouping::group_by));
        let (lines_left_out, unreadable_files) = (summary.lines_left_out(), summary.unreadable_files());
        Ok(CsvReport { text, lines_left_out, unreadable_files })
    }
}

async fn read(
    state: &AppState,
    by: Option<LogReportGrouping>,
    since: Option<String>,
    until: Option<String>,
) -> Result<Summary, Problem> {
    let query = report::Query {
        since: parse("since", since)?,
        until: parse("until", until)?,
        zone: Some(state.config.session_log.timezone.clone()),
        by: by.map(LogReportGrouping::group_by),
        ..report::Query::default()
    };
    if query.has_empty_period() {
        return Err(invalid("until", "no time is both after `since` and before `until`"));
    }
    Ok(state.log_reports.report(query).await?)
}

fn parse(name: &'static str, text: Option<String>) -> Result<Option<TimeBound>, Problem> {
    let parsed = text.map(|text| text.parse::<TimeBound>()).transpose();
    parsed.map_err(|expected| invalid(name, &expected.to_string()))
}

pub(super) fn invalid(parameter: &'static str, sentence: &str) -> Problem {
    Problem::new(&requests::INVALID_REQUEST).with_sentence(format!("{parameter}: {sentence}")).with_field(parameter)
}

impl IntoResponse for CsvReport {
    fn into_response(self) -> Response {
        Response::builder()
            .header(header::CONTENT_TYPE, format!("{CSV}; charset=utf-8"))
            .header(LINES_LEFT_OUT, HeaderValue::from(self.lines_left_out))
            .header(UNREADABLE_FILES, HeaderValue::from(self.unreadable_files))
            .body(self.text)
    }
}

impl ApiResponse for CsvReport {
    fn meta() -> MetaResponses {
        let number = |name: &str, description: &str| MetaHeader {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            required: true,
            deprecated: false,
            schema: u64::schema_ref(),
        };
        let headers = vec![
            number(
                "X-Lines-Left-Out",
                "The number of lines that are not in the figures, because they are damaged or were counted before.",
            ),
            number(
                "X-Unreadable-Files",
                "The number of files that could not be read to their end, so that the figures lack turns.",
            ),
        ];
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The figures.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType { content_type: CSV, schema: String::schema_ref() }],
                headers,
            }],
        }
    }

    fn register(_: &mut Registry) {}
}

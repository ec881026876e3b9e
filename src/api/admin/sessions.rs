//! `GET /api/admin/sessions`: the sessions of one day.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;

use super::overview::day_of;
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    services::log_report::{DaySession, SessionPlace},
};

/// The number of sessions when the request has no `limit`.
const DEFAULT_LIMIT: u64 = 100;

/// The character between the parts of a cursor: no time has it.
const SEPARATOR: char = '~';

failures! { SessionsFailure {
    400 "`date`, `limit` or `after` is invalid (`invalid_request`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The session log cannot be read (`session_log_unreadable`), or the service is restarting (`stopping`).",
} }

/// Sessions of a day, the latest first.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "SessionPage", example)]
struct Sessions {
    /// The sessions.
    sessions: Vec<LoggedSession>,
    /// The cursor of the sessions that follow, for `after`; null if there are none.
    #[oai(nullable)]
    next: Option<String>,
}

/// A session on one day, with the sums of its turns.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct LoggedSession {
    /// The id of the session.
    session_id: String,
    /// The name of the user; null for guests.
    #[oai(nullable)]
    user: Option<String>,
    /// The id of the site.
    #[oai(nullable)]
    site: Option<String>,
    /// The id of the persona.
    #[oai(nullable)]
    persona: Option<String>,
    /// The time of its beginning, as the log has it; null if it has not begun on this day.
    #[oai(nullable)]
    started_at: Option<String>,
    /// The time of its last turn, as the log has it; null without turns.
    #[oai(nullable)]
    last_turn_at: Option<String>,
    /// Whether it has ended.
    has_ended: bool,
    /// The number of turns.
    turns: u64,
    /// The number of turns that ended without an answer.
    errors: u64,
    /// The tokens of the turns.
    total_tokens: u64,
    /// The cost in US dollars, as far as prices are known.
    cost_usd: f64,
}

impl LoggedSession {
    fn new(session: &DaySession) -> Self {
        let DaySession { session_id, user, site, persona, started_at, last_turn_at, .. } = session.clone();
        let DaySession { has_ended, turns, errors, total_tokens, cost_usd, .. } = *session;
        Self {
            session_id,
            user,
            site,
            persona,
            started_at,
            last_turn_at,
            has_ended,
            turns,
            errors,
            total_tokens,
            cost_usd,
        }
    }
}

pub(in crate::api) struct SessionsApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl SessionsApi {
    /// List the sessions of a day
    ///
    /// Returns the sessions with turns on a day, or that began or ended then, in the session log of this replica: the latest first, by
    /// their last turn or else their beginning. At most the first 100,000 of a day are listed.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The day, `2026-11-29`; today in the log's time zone by default.
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}$"))]
        Query(date): Query<Option<String>>,
        /// The cursor of the answer before, which this one continues.
        #[oai(validator(pattern = "^[^~]{0,40}~.{1,200}$"))]
        Query(after): Query<Option<String>>,
        /// The largest number of sessions; 100 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
    ) -> Result<Json<Sessions>, SessionsFailure> {
        let day = day_of(date.as_deref(), &state.clock)?;
        let after = after.as_deref().map(parse_cursor);
        let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
        let all = state.log_reports.sessions(day, state.clock.zone()).await.map_err(Problem::from)?;
        let begin = after.map_or(0, |after| all.partition_point(|session| session.place() >= after));
        let page = all[begin..].iter().take(limit).collect::<Vec<_>>();
        let has_more = begin + page.len() < all.len();
        let next = page.last().filter(|_| has_more).map(|session| cursor(&session.place()));
        Ok(Json(Sessions { sessions: page.into_iter().map(LoggedSession::new).collect(), next }))
    }
}

fn cursor(SessionPlace { at, session_id }: &SessionPlace) -> String {
    format!("{at}{SEPARATOR}{session_id}")
}

/// Parses a cursor, which has the form of the parameter.
fn parse_cursor(text: &str) -> SessionPlace {
    let (at, session_id) = text.split_once(SEPARATOR).unwrap_or_default();
    SessionPlace { at: at.to_owned(), session_id: session_id.to_owned() }
}

impl Example for Sessions {
    fn example() -> Self {
        Self { sessions: vec![LoggedSession::example()], next: None }
    }
}

impl Example for LoggedSession {
    fn example() -> Self {
        let at = |time: &str| Some(format!("2026-11-29T{time}+01:00"));
        Self {
            session_id: "session_20261129_093000_k3vq8mzt5wxnp2ra".to_owned(),
            user: Some("ada".to_owned()),
            site: Some("shop".to_owned()),
            persona: Some("amaya".to_owned()),
            started_at: at("09:30:00.120000"),
            last_turn_at: at("09:34:10.310000"),
            has_ended: false,
            turns: 4,
            errors: 0,
            total_tokens: 2172,
            cost_usd: 0.00164,
        }
    }
}

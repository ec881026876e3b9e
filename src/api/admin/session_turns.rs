//! `GET /api/admin/sessions/{session_id}`: the turns of one session, with their texts where these can be read.

use poem::web::Data;
use poem_openapi::{
    Enum, Object, OpenApi,
    param::{Path, Query},
    types::Example,
};
use serde::Serialize;

use super::{overview::day_of, turn_line::LoggedTurn};
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    domain::session::SessionId,
    services::{
        log_report::TurnLine,
        log_search::search_on_this_thread,
        logged_texts::{LineTexts, read_own_texts},
    },
};

/// The most turns of a session that are returned: the last ones.
const MAX_TURNS: usize = 500;

failures! { SessionTurnsFailure {
    400 "`date` or the id is invalid (`invalid_request`, `invalid_session_id`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The session log cannot be read (`session_log_unreadable`), the database cannot be used (`storage_unavailable`), or the service is \
         restarting (`stopping`).",
} }

/// The turns of a session on one day.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct SessionTurns {
    /// The turns in their order, at most the last 500.
    turns: Vec<SessionTurn>,
    /// Whether there are earlier ones.
    has_earlier: bool,
}

/// A turn of a session.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct SessionTurn {
    /// The turn.
    turn: LoggedTurn,
    /// The question; null if it cannot be read.
    #[oai(nullable)]
    message: Option<String>,
    /// The answer; null if it cannot be read.
    #[oai(nullable)]
    answer: Option<String>,
    /// Why there are no texts; left out if there are.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    no_texts: Option<NoTexts>,
}

/// Why a turn has no texts: the log has none (`not_logged`), they were erased, or their key is in another database (`erased`), or the line
/// was altered (`altered`).
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum NoTexts {
    NotLogged,
    Erased,
    Altered,
}

impl SessionTurn {
    fn new(line: TurnLine, texts: LineTexts) -> Self {
        let (turn, without) = (LoggedTurn::new(line), |reason| (None, None, Some(reason)));
        let (message, answer, no_texts) = match texts {
            LineTexts::Readable(texts) => (Some(texts.message.into_owned()), Some(texts.answer.into_owned()), None),
            LineTexts::NotLogged | LineTexts::Comment(_) => without(NoTexts::NotLogged),
            LineTexts::NoKey => without(NoTexts::Erased),
            LineTexts::Altered => without(NoTexts::Altered),
        };
        Self { turn, message, answer, no_texts }
    }
}

pub(in crate::api) struct SessionTurnsApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl SessionTurnsApi {
    /// Read the turns of a session
    ///
    /// Returns the turns of a session on a day, of the session log of this replica, with their questions and answers where the log has
    /// them and they were not erased. A session without turns on the day has an empty list.
    #[oai(path = "/sessions/:session_id", method = "get", operation_id = "getSessionTurns")]
    async fn turns(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The session's id.
        Path(session_id): Path<String>,
        /// The day, `2026-11-29`; today in the log's time zone by default.
        #[oai(validator(pattern = "^\\d{4}-\\d{2}-\\d{2}$"))]
        Query(date): Query<Option<String>>,
    ) -> Result<Json<SessionTurns>, SessionTurnsFailure> {
        let (day, id) = (day_of(date.as_deref(), &state.clock)?, SessionId::parse(&session_id)?);
        let name = day.to_string();
        let read = move |files: &[_], is_wanted: &(dyn Fn() -> bool + Sync)| {
            let found = search_on_this_thread(files, id.as_str(), is_wanted).lines.into_iter();
            let turns = found.filter_map(|line| Some((TurnLine::parse(&line)?, line)));
            let is_of_session = |turn: &TurnLine| turn.session_id.as_deref() == Some(id.as_str());
            turns.filter(|(turn, _)| is_of_session(turn) && turn.timestamp.starts_with(&name)).collect::<Vec<_>>()
        };
        // A line may be in the file of a neighbouring day after a clock was set.
        let is_near =
            move |file| day.yesterday().is_ok_and(|it| it <= file) && day.tomorrow().is_ok_and(|it| file <= it);
        let mut lines = state.log_reports.read(is_near, read).await.map_err(Problem::from)?;
        let earlier = lines.len().saturating_sub(MAX_TURNS);
        let mut turns = Vec::new();
        for (turn, line) in lines.drain(earlier..) {
            let texts = read_own_texts(&state.storage, &line).await.map_err(Problem::from)?;
            turns.push(SessionTurn::new(turn, texts));
        }
        Ok(Json(SessionTurns { turns, has_earlier: earlier > 0 }))
    }
}

impl Example for SessionTurns {
    fn example() -> Self {
        Self { turns: vec![SessionTurn::example()], has_earlier: false }
    }
}

impl Example for SessionTurn {
    fn example() -> Self {
        Self {
            turn: LoggedTurn::example(),
            message: Some("Do you ship to Norway?".to_owned()),
            answer: Some("Yes, we do.".to_owned()),
            no_texts: None,
        }
    }
}

//! `POST /api/chat/{request_id}/feedback`: the caller of a turn rates its answer.

use std::fmt;

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        AppState, Group,
        caller::{AccountOrVisitor, AskedFrom},
        json::Json,
        problem::{Problem, failures},
        text_header::TextHeader,
        turn::named_session,
    },
    domain::{
        errors::requests,
        feedback::{Comment, Rating},
    },
    services::turn::{NewFeedback, RecordedFeedback},
};

failures! { FeedbackFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), `rating` is neither `up` nor `down`, or `comment` \
         is too long or has control characters (`invalid_request`), or the session id is malformed (`invalid_session_id`).",
    401 "The token is invalid, expired or revoked (`token_invalid`, `token_expired`, `token_ended`); \
         the API key of a server is unknown or revoked (`api_key_unknown`, `api_key_revoked`); or the ticket is \
         not valid, expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`).",
    404 "There is no such answered turn, or no longer, or it belongs to another session, account, visitor or API \
         key (`turn_not_found`).",
    408 "The body took too long to arrive (`body_timeout`).",
    409 "The feedback on this turn was changed 20 times; the last one stays (`feedback_changes_used_up`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "The address has rated too many answers (`feedback_limit_reached`).",
    500 "A fault of this server (`internal_error`).",
    503 "The feedback cannot be logged or stored (`session_log_unavailable`, `storage_unavailable`), or too many large bodies are \
         sent at once (`body_memory_used_up`).",
} }

/// What the caller of a turn thinks of its answer.
#[derive(Deserialize, Object)]
#[oai(rename = "FeedbackRequest", example)]
struct FeedbackRequest {
    /// `up` for a good answer, `down` for a bad one.
    rating: FeedbackRating,
    /// A comment for the owner of the website: at most 2,000 characters. It is kept in the session log, if that has texts.
    #[serde(default)]
    #[oai(nullable, validator(max_length = 2000))]
    comment: Option<String>,
}

impl fmt::Debug for FeedbackRequest {
    /// Leaves the comment out, which is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedbackRequest").field("rating", &self.rating).finish_non_exhaustive()
    }
}

/// A rating: `up` for a good answer, `down` for a bad one.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", rename_all = "lowercase")]
#[oai(rename_all = "lowercase")]
enum FeedbackRating {
    Up,
    Down,
}

impl TryFrom<String> for FeedbackRating {
    type Error = &'static str;

    fn try_from(rating: String) -> Result<Self, Self::Error> {
        match Rating::parse(&rating) {
            Some(Rating::Up) => Ok(Self::Up),
            Some(Rating::Down) => Ok(Self::Down),
            None => Err("expected `up` or `down`"),
        }
    }
}

impl From<FeedbackRating> for Rating {
    fn from(rating: FeedbackRating) -> Self {
        match rating {
            FeedbackRating::Up => Self::Up,
            FeedbackRating::Down => Self::Down,
        }
    }
}

/// Feedback that is recorded.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct FeedbackRecorded {
    /// The status of the feedback.
    status: FeedbackStatus,
    /// The rating.
    rating: FeedbackRating,
    /// Whether a comment is kept. It is not if the session log has no texts, or if those of the turn were erased.
    has_comment: bool,
    /// Whether a comment on this answer would be kept, so that it makes sense to ask for one.
    takes_comments: bool,
    /// The time of the request, RFC 3339.
    timestamp: String,
}

/// Always `recorded`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum FeedbackStatus {
    Recorded,
}

pub(in crate::api) struct FeedbackApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chat")]
impl FeedbackApi {
    /// Rate an answer
    ///
    /// Records what the caller of an answered turn thinks of the answer, up to seven days after it. A second request replaces the
    /// first one; the same again changes nothing, and a rating without a comment leaves the comment on the same rating as it is.
    /// The feedback on a turn can be changed 20 times.
    #[oai(path = "/:request_id/feedback", method = "post", operation_id = "giveFeedback")]
    async fn give(
        &self,
        Data(state): Data<&AppState>,
        from: AskedFrom,
        /// The turn's id: the `X-Request-Id` of its response.
        Path(request_id): Path<String>,
        /// The session of the turn. If the header is present, it must match.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        asker: AccountOrVisitor,
        Json(request): Json<FeedbackRequest>,
    ) -> Result<Json<FeedbackRecorded>, FeedbackFailure> {
        let comment = Comment::parse(request.comment.as_deref().unwrap_or_default()).map_err(|invalid| {
            Problem::new(&requests::INVALID_REQUEST).with_sentence(invalid.to_string()).with_field("comment")
        })?;
        let session = named_session([session, None, None])?;
        state.turns.admit_feedback(from.feedback_sender(&asker))?;
        let client = asker.turn_client(session, asker.owner(state).await?);
        let new = NewFeedback { request_id, rating: request.rating.into(), comment };
        let RecordedFeedback { at, has_comment, takes_comments } = state.turns.rate(client, new).await?;
        let (status, timestamp) = (FeedbackStatus::Recorded, state.clock.rfc3339(at));
        Ok(Json(FeedbackRecorded { status, rating: request.rating, has_comment, takes_comments, timestamp }))
    }
}

impl Example for FeedbackRequest {
    fn example() -> Self {
        Self { rating: FeedbackRating::Down, comment: Some("The price is that of last year.".to_owned()) }
    }
}

impl Example for FeedbackRecorded {
    fn example() -> Self {
        Self {
            status: FeedbackStatus::Recorded,
            rating: FeedbackRating::Down,
            has_comment: true,
            takes_comments: true,
            timestamp: "2026-11-21T09:41:07.250000+01:00".to_owned(),
        }
    }
}

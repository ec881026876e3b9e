//! The answered turns of the last days, and what their callers think of the answers. A turn's row comes in the transaction that
//! stores the turn, so that a turn needs no further one, and every replica can tell whose a turn is.

use jiff::{SignedDuration, Timestamp};

use super::{
    bulk_delete,
    column_values::day_of,
    failure::StorageFailure,
    handle::Storage,
    logged_event::LoggedEvent,
    logged_feedback::LoggedFeedback,
    statement::{Statement, sql},
    turn_origin::TurnOrigin,
    turn_origin_rows,
};
use crate::domain::{feedback::Rating, log_position::LogEnd, session::SessionId};

/// The retention time for which an answered turn is stored, so that its caller can rate it.
const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An answered turn, with the feedback of its caller.
#[derive(Clone, Debug)]
pub struct AnsweredTurn {
    /// The session that the client named.
    pub session_id: Option<SessionId>,
    /// The name of the model that was called.
    pub model: String,
    /// The caller, the site, the persona and the keys of the turn.
    pub origin: TurnOrigin,
    /// The latest feedback; `None` before the first one.
    pub feedback: Option<StoredFeedback>,
}

/// The latest feedback on a turn.
#[derive(Clone, Debug)]
pub struct StoredFeedback {
    /// The number of the feedback, as in its line.
    pub revision: u32,
    /// The rating.
    pub rating: Rating,
    /// The mark by which the comment is recognized; `None` without a comment.
    pub comment_mark: Option<String>,
}

/// The columns of a turn, and of its feedback if there is any.
type TurnRow = (String, Option<i64>, Option<String>, Option<String>);

fn stored_feedback(
    revision: Option<i64>,
    rating: Option<&str>,
    comment_mark: Option<String>,
) -> Option<StoredFeedback> {
    Some(StoredFeedback { revision: revision?.try_into().ok()?, rating: Rating::parse(rating?)?, comment_mark })
}

impl Storage {
    /// Returns the retention time until which a turn that ends now can be rated.
    #[must_use]
    pub fn feedback_expiry(&self) -> Timestamp {
        self.retention_time().checked_add(RETENTION).unwrap_or(Timestamp::MAX)
    }

    /// Returns an answered turn of the last days. Turns and feedback that were logged before are found.
    pub async fn answered_turn(&self, request_id: &str) -> Result<Option<AnsweredTurn>, StorageFailure> {
        self.turn_writer.flush().await?;
        // Rows are by their last days, which are today and the days that are left of the retention, and one more at a replica whose
        // day has begun earlier.
        let statement =
            sql("SELECT turn_origins.origin, turn_ratings.revision, turn_ratings.rating, turn_ratings.comment_mark
             FROM turn_origins LEFT JOIN turn_ratings ON turn_ratings.request_id = turn_origins.request_id
             WHERE turn_origins.request_id = $1 AND turn_origins.last_day IN ($2, $3, $4, $5, $6, $7, $8, $9, $10)");
        let now = self.retention_time();
        let today = day_of(self.time.retention_time());
        let days = today..=today + RETENTION.as_hours() / 24 + 1;
        let row: Option<TurnRow> =
            days.fold(statement.bind(request_id), Statement::bind).fetch_optional(&self.write).await?;
        Ok(row.and_then(|(origin, revision, rating, comment_mark)| {
            let (session_id, model, origin) = turn_origin_rows::parse(&origin)?;
            let feedback = stored_feedback(revision, rating.as_deref(), comment_mark);
            (origin.expires_at > now).then_some(AnsweredTurn { session_id, model, origin, feedback })
        }))
    }

    /// Queues feedback that is in the session log for the next transaction.
    pub fn enqueue_feedback(&self, feedback: LoggedFeedback, end: LogEnd) {
        let event = LoggedEvent::Feedback(Box::new(feedback));
        self.outboxes.add(&event.outbox_entries());
        self.turn_writer.enqueue(event, Some(end));
    }

    /// Deletes the turns that can be rated no more, at the end of their last days.
    pub async fn purge_answered_turns(&self) -> Result<(), StorageFailure> {
        let today = day_of(self.time.retention_time());
        while let Some(day) = self.first_last_day().await?.filter(|day| *day < today) {
            bulk_delete::in_batches(&self.write, |limit| {
                sql("DELETE FROM turn_origins WHERE last_day = $1 AND request_id IN (
                         SELECT request_id FROM turn_origins WHERE last_day = $1 LIMIT $2)")
                .bind(day)
                .bind(limit)
            })
            .await?;
        }
        bulk_delete::in_batches(&self.write, |limit| {
            sql("DELETE FROM turn_ratings WHERE request_id IN (
                     SELECT request_id FROM turn_ratings WHERE last_day < $1 LIMIT $2)")
            .bind(today)
            .bind(limit)
        })
        .await?;
        Ok(())
    }

    /// Returns the earliest last day of a turn; `None` without turns.
    async fn first_last_day(&self) -> Result<Option<i64>, StorageFailure> {
        let (day,): (Option<i64>,) = sql("SELECT MIN(last_day) FROM turn_origins").fetch_one(&self.write).await?;
        Ok(day)
    }
}

//! The answered turns of the last days, and what their callers think of the answers. A turn's row comes in the transaction that
//! stores the turn, so that a turn needs no further one, and every replica can tell whose a turn is.

use jiff::{SignedDuration, Timestamp};

use super::{
    bulk_delete,
    failure::StorageFailure,
    feedback::{LoggedFeedback, TurnOrigin},
    handle::Storage,
    logged_event::LoggedEvent,
    statement::sql,
};
use crate::domain::{
    account::OwnerId, feedback::Rating, log_position::LogEnd, session::SessionId, tenant::TicketVisitor,
};

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
    /// The rating; `None` before the first feedback.
    pub rating: Option<Rating>,
    /// The mark by which the comment is recognized; `None` without a comment.
    pub comment_mark: Option<String>,
}

type TurnRow = (
    Option<String>,
    Option<i64>,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    Option<String>,
    Option<String>,
);

fn answered_turn(row: TurnRow) -> AnsweredTurn {
    let (session, owner, visitor, model, persona, site, api_key, content_key, expires_at, rating, comment_mark) = row;
    let origin = TurnOrigin {
        chat_owner: owner.map(OwnerId),
        visitor: visitor.as_deref().and_then(TicketVisitor::parse),
        persona,
        site,
        api_key,
        content_key,
        expires_at: Timestamp::from_microsecond(expires_at).unwrap_or_default(),
    };
    let session_id = session.and_then(|id| SessionId::parse(&id).ok());
    AnsweredTurn { session_id, model, origin, rating: rating.as_deref().and_then(Rating::parse), comment_mark }
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
        let row: Option<TurnRow> =
            sql("SELECT session_id, owner_id, visitor, model, persona, site, api_key, content_key,
                    expires_at, rating, comment_mark
             FROM answered_turns WHERE request_id = $1 AND expires_at > $2")
            .bind(request_id)
            .bind(self.time.retention_time())
            .fetch_optional(&self.write)
            .await?;
        Ok(row.map(answered_turn))
    }

    /// Queues feedback that is in the session log for the next transaction.
    pub fn enqueue_feedback(&self, feedback: LoggedFeedback, end: LogEnd) {
        let event = LoggedEvent::Feedback(Box::new(feedback));
        self.outboxes.add(&event.outbox_entries());
        self.turn_writer.enqueue(event, Some(end));
    }

    /// Deletes the turns that can be rated no more.
    pub async fn purge_answered_turns(&self) -> Result<(), StorageFailure> {
        let now = self.time.retention_time();
        bulk_delete::in_batches(&self.write, |limit| {
            sql("DELETE FROM answered_turns WHERE request_id IN (
                     SELECT request_id FROM answered_turns WHERE expires_at <= $1 LIMIT $2)")
            .bind(now)
            .bind(limit)
        })
        .await?;
        Ok(())
    }
}

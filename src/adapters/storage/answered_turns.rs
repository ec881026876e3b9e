//! The answered turns of the last days, and what their callers think of the answers. A turn's row comes in the transaction that
//! stores the turn, so that a turn needs no further one, and every replica can tell whose a turn is.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::{
    bulk_delete, bulk_insert::BulkInsert, database::Transaction, failure::StorageFailure, handle::Storage,
    logged_event::LoggedEvent, outbox_entry::OutboxEntry, statement::sql, turn_record::TurnRecord,
};
use crate::domain::{
    account::OwnerId, feedback::Rating, log_position::LogEnd, session::SessionId, tenant::TicketVisitor,
};

/// The retention time for which an answered turn is stored, so that its caller can rate it.
const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where an answered turn came from.
#[derive(Clone, Debug, Default)]
pub struct TurnOrigin {
    /// The owner of the stored chat.
    pub chat_owner: Option<OwnerId>,
    /// The visitor of a ticket.
    pub visitor: Option<TicketVisitor>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The id of the site.
    pub site: Option<String>,
    /// The name of the API key.
    pub api_key: Option<String>,
    /// The id of the key that seals the turn's texts.
    pub content_key: Option<String>,
    /// The retention time from which the turn cannot be rated any more.
    pub expires_at: Timestamp,
}

/// An answered turn, with the feedback of its caller.
#[derive(Clone, Debug)]
pub struct AnsweredTurn {
    /// The session that the client named.
    pub session_id: Option<SessionId>,
    /// The name of the model that was called.
    pub model: String,
    /// Where the turn came from.
    pub origin: TurnOrigin,
    /// The rating; `None` before the first feedback.
    pub rating: Option<Rating>,
    /// The mark by which the comment is recognized; `None` without a comment.
    pub comment_mark: Option<String>,
}

/// Feedback whose line is in the session log.
#[derive(Clone, Debug)]
pub struct LoggedFeedback {
    /// The id of the turn's request.
    pub request_id: String,
    /// The rating.
    pub rating: Rating,
    /// The mark of the comment.
    pub comment_mark: Option<String>,
    /// The event for the owner's receiver.
    pub event: OutboxEntry,
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

static INSERT_TURNS: LazyLock<BulkInsert> = LazyLock::new(|| {
    let columns = "request_id, expires_at, session_id, owner_id, visitor, model, persona, site, api_key, content_key";
    BulkInsert::new(
        columns,
        &["TEXT", "BIGINT", "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "TEXT"],
        &format!(
            "INSERT INTO answered_turns ({columns}) SELECT v.* FROM v WHERE request_id IS NOT NULL
             ON CONFLICT (request_id) DO NOTHING"
        ),
    )
});

/// Inserts the turns that can be rated.
pub(super) async fn insert(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let answered = turns.iter().filter(|turn| !turn.failed());
    let answered = answered.filter_map(|turn| Some((*turn, turn.origin.as_ref()?))).collect::<Vec<_>>();
    INSERT_TURNS
        .execute(transaction, answered.into_iter(), |statement, row| {
            let (turn, origin) = row.unzip();
            statement
                .bind(turn.map(|turn| turn.request_id.as_str()))
                .bind(origin.map(|origin| origin.expires_at.as_microsecond()))
                .bind(turn.and_then(|turn| turn.session_id.as_ref()).map(SessionId::as_str))
                .bind(origin.and_then(|origin| origin.chat_owner).map(|owner| owner.0))
                .bind(origin.and_then(|origin| origin.visitor).map(|visitor| visitor.to_string()))
                .bind(turn.map(|turn| turn.model.as_str()))
                .bind(origin.and_then(|origin| origin.persona.as_deref()))
                .bind(origin.and_then(|origin| origin.site.as_deref()))
                .bind(origin.and_then(|origin| origin.api_key.as_deref()))
                .bind(origin.and_then(|origin| origin.content_key.as_deref()))
        })
        .await
}

/// Stores feedback with its turn, if that is stored still.
pub(super) async fn rate(transaction: &mut Transaction, feedback: &LoggedFeedback) -> Result<(), StorageFailure> {
    sql("UPDATE answered_turns SET rating = $2, comment_mark = $3 WHERE request_id = $1")
        .bind(&feedback.request_id)
        .bind(feedback.rating.as_str())
        .bind(feedback.comment_mark.as_deref())
        .execute(transaction)
        .await?;
    Ok(())
}

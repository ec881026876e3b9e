//! The rows of answered turns, as the transactions that store turns write them.

use std::sync::LazyLock;

use super::{
    bulk_insert::BulkInsert, database::Transaction, failure::StorageFailure, feedback::LoggedFeedback, statement::sql,
    turn_record::TurnRecord,
};
use crate::domain::session::SessionId;

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

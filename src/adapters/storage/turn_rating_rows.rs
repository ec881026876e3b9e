//! The rows of rated turns, which hold their latest feedback.

use super::{
    column_values::day_of, database::Transaction, failure::StorageFailure, logged_feedback::LoggedFeedback,
    statement::sql,
};

/// Stores feedback, in the order of the turns' ids: so transactions of several replicas lock the rows in the same order, and cannot
/// deadlock. Feedback that comes after a later revision, from another replica, changes nothing.
pub(super) async fn store<'a>(
    transaction: &mut Transaction,
    feedback: impl Iterator<Item = &'a LoggedFeedback>,
) -> Result<(), StorageFailure> {
    let mut sorted = feedback.collect::<Vec<_>>();
    sorted.sort_by(|a, b| a.request_id.cmp(&b.request_id));
    for LoggedFeedback { request_id, revision, at, rating, comment_mark, turn_expires_at, .. } in sorted {
        sql("INSERT INTO turn_ratings (request_id, last_day, revision, rated_at, rating, comment_mark)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (request_id) DO UPDATE SET
                 revision = excluded.revision, rated_at = excluded.rated_at, rating = excluded.rating,
                 comment_mark = excluded.comment_mark
             WHERE excluded.revision > turn_ratings.revision
                 OR (excluded.revision = turn_ratings.revision AND excluded.rated_at >= turn_ratings.rated_at)")
        .bind(request_id)
        .bind(day_of(turn_expires_at.as_microsecond()))
        .bind(i64::from(*revision))
        .bind(at.as_microsecond())
        .bind(rating.as_str())
        .bind(comment_mark.as_deref())
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

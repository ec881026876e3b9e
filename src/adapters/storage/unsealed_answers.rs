//! Answers for repeated requests that are stored as they are, since no key seals them: in the session log texts are not sealed, or
//! the key could not be stored in time. They are erased by overwriting them. Their idempotency keys remain, so that no turn is
//! repeated.

use super::{database::Transaction, failure::StorageFailure, statement::sql};
use crate::domain::session::SessionId;

/// Erases the answers of a session; with a `caller`, only that caller's. Answers of turns that run will not be stored. Returns the
/// number of both.
pub(super) async fn erase_of_session(
    transaction: &mut Transaction,
    session: &SessionId,
    caller: Option<&str>,
) -> Result<u64, StorageFailure> {
    let running = sql("UPDATE idempotency_keys SET is_erased = 1
         WHERE session_id = $1 AND caller = COALESCE(CAST($2 AS TEXT), caller) AND content_key IS NULL
               AND answered_at IS NULL AND replica IS NOT NULL AND is_erased = 0")
    .bind(session.as_str())
    .bind(caller)
    .execute(&mut *transaction)
    .await?;
    let stored = sql(
        "UPDATE idempotency_keys SET is_erased = 1, answered_at = NULL, answer = NULL, sources = NULL, finish = NULL,
                replica = NULL
         WHERE session_id = $1 AND caller = COALESCE(CAST($2 AS TEXT), caller) AND content_key IS NULL
               AND answer IS NOT NULL",
    )
    .bind(session.as_str())
    .bind(caller)
    .execute(transaction)
    .await?;
    Ok(running + stored)
}

/// Erases the answers to a caller's requests without a session. Returns their number.
pub(super) async fn erase_without_session(transaction: &mut Transaction, caller: &str) -> Result<u64, StorageFailure> {
    sql("UPDATE idempotency_keys SET answered_at = NULL, answer = NULL, sources = NULL, finish = NULL, replica = NULL
         WHERE caller = $1 AND session_id IS NULL AND answer IS NOT NULL")
    .bind(caller)
    .execute(transaction)
    .await
}

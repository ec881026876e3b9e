//! The sessions at the moment of a snapshot, with the turns of those that go on.

use std::collections::BTreeMap;

use super::{
    column_values::{to_count, to_timestamp},
    database::Transaction,
    failure::StorageFailure,
    snapshot_rows::{LIMIT, PAGE, SnapshotRows},
    statement::sql,
    turn_rows::{SessionTurn, StoredSession},
};

/// The columns of a session.
type SessionRow = (String, Option<i64>, Option<i64>, i64);

/// The columns of a turn of a session that goes on.
type SessionTurnRow = (String, String, i64, i64, i64, i64, i64);

impl SnapshotRows {
    /// Calls a function with the id of each session, and with the session.
    pub fn for_each_session(&self, mut take: impl FnMut(String, StoredSession)) {
        let mut last = String::new();
        loop {
            let rows = self.run(async |transaction| self.session_rows(transaction, &last).await);
            let Some(end) = rows.last().map(|row| row.0.clone()) else { return };
            let is_last = rows.len() < PAGE;
            let mut sessions = rows.into_iter().map(stored_session).collect::<BTreeMap<_, _>>();
            for row in self.run(async |transaction| turn_rows(transaction, &last, &end).await) {
                if let Some(session) = sessions.get_mut(&row.0) {
                    session.turns.push(session_turn(row));
                }
            }
            for (id, session) in sessions {
                take(id, session);
            }
            if is_last {
                return;
            }
            last = end;
        }
    }

    async fn session_rows(&self, transaction: &mut Transaction, last: &str) -> Result<Vec<SessionRow>, StorageFailure> {
        let (since, until) = self.bounds.times();
        sql("SELECT id, started_at, stopped_at, logged FROM sessions
             WHERE id > $1 AND (COALESCE(started_at, stopped_at) IS NULL
                                OR COALESCE(started_at, stopped_at) BETWEEN $2 AND $3)
             ORDER BY id LIMIT $4")
        .bind(last)
        .bind(since)
        .bind(until)
        .bind(LIMIT)
        .fetch_all(transaction)
        .await
    }
}

/// Returns the turns of sessions whose ids are after `last` and not after `end`.
async fn turn_rows(
    transaction: &mut Transaction,
    last: &str,
    end: &str,
) -> Result<Vec<SessionTurnRow>, StorageFailure> {
    sql("SELECT session_id, model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us
         FROM session_turns WHERE session_id > $1 AND session_id <= $2")
    .bind(last)
    .bind(end)
    .fetch_all(transaction)
    .await
}

fn stored_session((id, started_at, stopped_at, logged): SessionRow) -> (String, StoredSession) {
    let (started_at, stopped_at) = (started_at.map(to_timestamp), stopped_at.map(to_timestamp));
    (id, StoredSession { started_at, stopped_at, is_stop_logged: logged != 0, turns: Vec::new() })
}

fn session_turn((_, model, failed, prompt, completion, cost, latency): SessionTurnRow) -> SessionTurn {
    SessionTurn {
        model,
        failed: failed != 0,
        prompt_tokens: to_count(prompt),
        completion_tokens: to_count(completion),
        cost: to_count(cost),
        latency: to_count(latency),
    }
}

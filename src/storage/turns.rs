//! What a turn leaves behind in the database, many turns in one transaction.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Storage, StorageFailure, sql};
use crate::{
    cost::{Cost, TokenUsage},
    session::SessionId,
};

/// One turn that has ended.
#[derive(Clone, Debug)]
pub struct TurnRecord {
    /// When it ended.
    pub at: Timestamp,
    /// The request it answered.
    pub request_id: String,
    /// Its session, if the client named one.
    pub session_id: Option<SessionId>,
    /// The model that was asked.
    pub model: String,
    /// Whether it ended without an answer.
    pub failed: bool,
    /// The tokens it took.
    pub usage: TokenUsage,
    /// What they cost, as far as known.
    pub cost: Cost,
    /// How long it took.
    pub latency: Duration,
    /// The usage record for Papita, as JSON, if one is to be posted.
    pub posting: Option<String>,
}

#[derive(Default)]
struct Sum {
    requests: u64,
    usage: TokenUsage,
    cost: Cost,
    last_used_at: i64,
}

impl Storage {
    /// Keeps the turns: all of them, or on failure none.
    pub async fn record_turns(&self, turns: &[TurnRecord]) -> Result<(), StorageFailure> {
        if turns.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await?;
        add_totals(&mut transaction, turns).await?;
        for turn in turns {
            if let Some(session) = &turn.session_id {
                add_to_session(&mut transaction, session, turn).await?;
            }
            if let Some(body) = &turn.posting {
                enqueue(&mut transaction, &turn.request_id, body).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// A turn that was not answered took no tokens that anybody told us of, and is not counted.
async fn add_totals(connection: &mut SqliteConnection, turns: &[TurnRecord]) -> Result<(), sqlx::Error> {
    let mut sums = HashMap::<&str, Sum>::new();
    for turn in turns.iter().filter(|turn| !turn.failed) {
        let sum = sums.entry(&turn.model).or_default();
        sum.requests += 1;
        sum.usage += turn.usage;
        sum.cost += turn.cost;
        sum.last_used_at = sum.last_used_at.max(turn.at.as_microsecond());
    }
    for (model, sum) in sums {
        sqlx::query(
            "INSERT INTO usage_totals (model, requests, prompt_tokens, completion_tokens, prompt_cost_pico,
                                       completion_cost_pico, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (model) DO UPDATE SET
                 requests = usage_totals.requests + excluded.requests,
                 prompt_tokens = usage_totals.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = usage_totals.completion_tokens + excluded.completion_tokens,
                 prompt_cost_pico = usage_totals.prompt_cost_pico + excluded.prompt_cost_pico,
                 completion_cost_pico = usage_totals.completion_cost_pico + excluded.completion_cost_pico,
                 last_used_at = excluded.last_used_at",
        )
        .bind(model)
        .bind(sql(sum.requests))
        .bind(sql(sum.usage.prompt))
        .bind(sql(sum.usage.completion))
        .bind(sql(sum.cost.prompt))
        .bind(sql(sum.cost.completion))
        .bind(sum.last_used_at)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Counts for open sessions that were started here; other ids leave no trace.
async fn add_to_session(
    connection: &mut SqliteConnection,
    session: &SessionId,
    turn: &TurnRecord,
) -> Result<(), sqlx::Error> {
    let seen = sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND stopped_at IS NULL")
        .bind(session.as_str())
        .bind(turn.at.as_microsecond())
        .execute(&mut *connection)
        .await?;
    if seen.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO session_turns (session_id, model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(session.as_str())
    .bind(&turn.model)
    .bind(i64::from(turn.failed))
    .bind(sql(turn.usage.prompt))
    .bind(sql(turn.usage.completion))
    .bind(sql(turn.cost.total()))
    .bind(i64::try_from(turn.latency.as_micros()).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn enqueue(connection: &mut SqliteConnection, request_id: &str, body: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO papita_outbox (request_id, body) VALUES ($1, $2)")
        .bind(request_id)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}

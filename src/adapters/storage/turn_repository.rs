//! Stores turns: usage totals, session statistics, usage records for Papita and the position in the session log, for
//! many turns in one transaction.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    bulk_insert::{BulkInsert, ROWS},
    column_values::to_integer,
    database::{Pool, Transaction},
    failure::StorageFailure,
    log_positions,
    statement::sql,
    turn_record::TurnRecord,
};
use crate::domain::{
    cost::{Cost, TokenUsage},
    log_position::LogPosition,
    session::SessionId,
};

/// A turn, and the position in the session log after its line; `None` for a turn that is not in the log.
pub(super) type PositionedTurn = (TurnRecord, Option<LogPosition>);

/// The tables that hold the results of turns.
#[derive(Clone, Debug)]
pub(super) struct TurnRepository {
    pub(super) write: Pool,
    /// The id of the session log that holds the turns.
    pub(super) log: String,
}

/// The usage of one model by several turns.
#[derive(Default)]
struct ModelUsage {
    requests: u64,
    usage: TokenUsage,
    cost: Cost,
    last_used_at: i64,
}

impl TurnRepository {
    /// Stores turns, and the positions in the log up to which all turns are stored, in one transaction.
    ///
    /// `may_be_stored`: an earlier attempt to store these turns has failed, but a server that stopped after the commit may
    /// have stored them. Then turns up to the stored positions are left out.
    pub(super) async fn insert(&self, turns: &[PositionedTurn], may_be_stored: bool) -> Result<(), StorageFailure> {
        let mut transaction = self.write.begin().await?;
        let stored = if may_be_stored { log_positions::fetch(&mut transaction, &self.log).await? } else { Vec::new() };
        let is_new = |at: &LogPosition| !stored.iter().any(|stored| stored.date == at.date && stored.end >= at.end);
        let mut records = Vec::new();
        let mut positions = BTreeMap::new();
        for (record, position) in turns.iter().filter(|(_, position)| position.as_ref().is_none_or(is_new)) {
            records.push(record);
            positions.extend(position.map(|position| (position.date, position.end)));
        }
        add_to_totals(&mut transaction, &records).await?;
        add_to_sessions(&mut transaction, &records).await?;
        add_to_outbox(&mut transaction, &records).await?;
        for (date, end) in positions {
            log_positions::set(&mut transaction, &self.log, LogPosition { date, end }).await?;
        }
        transaction.commit().await
    }
}

/// Adds turns to the totals of their models. A turn without an answer does not count as a request, but its tokens and its
/// cost count.
async fn add_to_totals(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    // Every replica updates the rows in the same order, so that transactions cannot deadlock.
    let mut models = BTreeMap::<&str, ModelUsage>::new();
    for turn in turns.iter().filter(|turn| !turn.failed || turn.usage.total() > 0) {
        let sum = models.entry(&turn.model).or_default();
        sum.requests += u64::from(!turn.failed);
        sum.usage += turn.usage;
        sum.cost += turn.cost;
        sum.last_used_at = sum.last_used_at.max(turn.ended_at.as_microsecond());
    }
    for (model, sum) in models {
        sql("INSERT INTO usage_totals (model, requests, prompt_tokens, completion_tokens, prompt_cost_pico,
                                       completion_cost_pico, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (model) DO UPDATE SET
                 requests = usage_totals.requests + excluded.requests,
                 prompt_tokens = usage_totals.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = usage_totals.completion_tokens + excluded.completion_tokens,
                 prompt_cost_pico = usage_totals.prompt_cost_pico + excluded.prompt_cost_pico,
                 completion_cost_pico = usage_totals.completion_cost_pico + excluded.completion_cost_pico,
                 last_used_at = excluded.last_used_at")
        .bind(model)
        .bind(to_integer(sum.requests))
        .bind(to_integer(sum.usage.prompt))
        .bind(to_integer(sum.usage.completion))
        .bind(to_integer(sum.cost.prompt))
        .bind(to_integer(sum.cost.completion))
        .bind(sum.last_used_at)
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

/// Inserts the turns of open sessions that were started here, and ignores turns with other session ids.
static INSERT_SESSION_TURNS: LazyLock<BulkInsert> = LazyLock::new(|| {
    let columns = "session_id, ended_at, model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us";
    BulkInsert::new(
        columns,
        &["TEXT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"],
        &format!(
            "INSERT INTO session_turns ({columns})
             SELECT v.* FROM v JOIN sessions ON sessions.id = v.session_id AND sessions.stopped_at IS NULL"
        ),
    )
});

async fn add_to_sessions(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let in_sessions = turns.iter().filter_map(|turn| Some((turn.session_id.as_ref()?, *turn))).collect::<Vec<_>>();
    for chunk in in_sessions.chunks(ROWS) {
        let (text, rows) = INSERT_SESSION_TURNS.text(chunk.len());
        let mut query = sql(text);
        for row in 0..rows {
            let (session, turn) = chunk.get(row).copied().unzip();
            query = query
                .bind(session.map(SessionId::as_str))
                .bind(turn.map(|turn| turn.ended_at.as_microsecond()))
                .bind(turn.map(|turn| turn.model.as_str()))
                .bind(turn.map(|turn| i64::from(turn.failed)))
                .bind(turn.map(|turn| to_integer(turn.usage.prompt)))
                .bind(turn.map(|turn| to_integer(turn.usage.completion)))
                .bind(turn.map(|turn| to_integer(turn.cost.total())))
                .bind(turn.map(|turn| i64::try_from(turn.latency.as_micros()).unwrap_or(i64::MAX)));
        }
        query.execute(&mut *transaction).await?;
    }
    Ok(())
}

static INSERT_OUTBOX_RECORDS: LazyLock<BulkInsert> = LazyLock::new(|| {
    BulkInsert::new(
        "request_id, body",
        &["TEXT", "TEXT"],
        "INSERT INTO papita_outbox (request_id, body) SELECT request_id, body FROM v WHERE request_id IS NOT NULL",
    )
});

async fn add_to_outbox(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let records = turns.iter().filter_map(|turn| Some((turn.request_id.as_str(), turn.usage_record.as_deref()?)));
    for chunk in records.collect::<Vec<_>>().chunks(ROWS) {
        let (text, rows) = INSERT_OUTBOX_RECORDS.text(chunk.len());
        let mut query = sql(text);
        for row in 0..rows {
            let (request_id, body) = chunk.get(row).copied().unzip();
            query = query.bind(request_id).bind(body);
        }
        query.execute(&mut *transaction).await?;
    }
    Ok(())
}

//! Stores events of the session log, many in one transaction: turns as usage totals, session statistics and records of
//! outboxes, the stops of sessions, feedback, outcomes of idempotency keys, and the position in the log up to which all are stored.

use std::{collections::BTreeMap, sync::LazyLock};

use uuid::Uuid;

use super::{
    bulk_insert::BulkInsert,
    column_values::to_integer,
    database::{Pool, Transaction},
    failure::StorageFailure,
    log_instances, log_totals,
    logged_event::{LoggedEvent, PositionedEvent, is_unlogged_turn},
    outboxes,
    statement::sql,
    turn_origin_rows, turn_rating_rows,
    turn_record::TurnRecord,
};
use crate::domain::{
    cost::{Cost, TokenUsage},
    log_position::{CountedLines, InstanceCount},
    session::SessionId,
};

/// The tables that hold the results of turns.
#[derive(Clone, Debug)]
pub(super) struct TurnRepository {
    pub(super) write: Pool,
    /// The id of the session log that holds the turns.
    pub(super) log: String,
    /// The id of this process.
    pub(super) instance: Uuid,
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
    /// Stores events that this process has logged, and the position in the log up to which all are stored, in one transaction.
    ///
    /// `may_be_stored`: an earlier attempt to store these events has failed, but a server that stopped after the commit may
    /// have stored them. Then events up to the stored position are left out, and so are turns without a line, which have no
    /// position, beyond the number `unlogged` of those that were stored before the events.
    pub(super) async fn insert(
        &self,
        events: &[PositionedEvent],
        unlogged: u64,
        may_be_stored: bool,
    ) -> Result<(), StorageFailure> {
        let mut transaction = self.write.begin().await?;
        if may_be_stored || events.iter().any(is_unlogged_turn) {
            // Turns without a line change no position for which a later attempt would wait.
            log_instances::lock(&mut transaction, &self.log).await?;
        }
        let (stored, mut stored_unlogged) = if may_be_stored {
            let counted = log_instances::fetch(&mut transaction, &self.log).await?.counted(self.instance);
            let all_unlogged = log_totals::fetch_unlogged(&mut transaction, &self.log, self.instance).await?;
            (counted.unwrap_or_default(), all_unlogged.saturating_sub(unlogged))
        } else {
            (0, 0)
        };
        let mut is_new = |event: &&PositionedEvent| match event.1 {
            Some(end) => end.position.seq > stored,
            None if is_unlogged_turn(event) && stored_unlogged > 0 => {
                stored_unlogged -= 1;
                false
            }
            None => true,
        };
        let new = events.iter().filter(|event| is_new(event)).collect::<Vec<_>>();
        self.add(&mut transaction, new.iter().map(|(event, _)| event)).await?;
        if let Some(last) = new.iter().rev().find_map(|(_, end)| *end) {
            let (instance, counted, chain) = (last.position.instance, last.position.seq, Some(last.chain));
            let count = InstanceCount { instance, counted, chain, missing: 0, is_complete: false };
            log_instances::set(&mut transaction, &self.log, count).await?;
        }
        transaction.commit().await
    }

    /// Stores events that earlier processes have logged, and what is counted of each, in one transaction.
    ///
    /// Fails if the database does not hold just the lines in `known`: the transaction of an earlier attempt, or of an earlier
    /// process, may have been committed since these were read, although its answer was lost.
    pub(super) async fn insert_recovered(
        &self,
        events: &[LoggedEvent],
        counts: &[InstanceCount],
        known: &CountedLines,
    ) -> Result<(), StorageFailure> {
        let mut transaction = self.write.begin().await?;
        log_instances::lock(&mut transaction, &self.log).await?;
        if log_instances::fetch(&mut transaction, &self.log).await? != *known {
            return Err(StorageFailure::CountedMeanwhile);
        }
        self.add(&mut transaction, events.iter()).await?;
        for count in counts {
            log_instances::set(&mut transaction, &self.log, *count).await?;
        }
        transaction.commit().await
    }

    async fn add<'a>(
        &self,
        transaction: &mut Transaction,
        events: impl Iterator<Item = &'a LoggedEvent> + Clone,
    ) -> Result<(), StorageFailure> {
        let turns = events.clone().filter_map(LoggedEvent::turn).collect::<Vec<_>>();
        // Before the rows that replicas share, which stay locked until the commit.
        log_totals::add(transaction, &self.log, self.instance, &turns).await?;
        add_to_totals(transaction, &turns).await?;
        add_to_sessions(transaction, &turns).await?;
        turn_origin_rows::insert(transaction, &turns).await?;
        turn_rating_rows::store(transaction, events.clone().filter_map(LoggedEvent::feedback)).await?;
        outboxes::insert(transaction, &events.clone().flat_map(LoggedEvent::outbox_entries)).await?;
        for event in events {
            match event {
                LoggedEvent::SessionStop { id, .. } => mark_stop_logged(transaction, id).await?,
                LoggedEvent::KeySettled(settled) => settled.store(&mut *transaction).await?,
                LoggedEvent::Start | LoggedEvent::Turn(_) | LoggedEvent::Feedback(_) => {}
            }
        }
        Ok(())
    }
}

/// Marks the stop of a session as logged, and deletes the session's turns, which are no longer needed.
async fn mark_stop_logged(transaction: &mut Transaction, id: &SessionId) -> Result<(), StorageFailure> {
    sql("UPDATE sessions SET logged = 1 WHERE id = $1").bind(id.as_str()).execute(&mut *transaction).await?;
    sql("DELETE FROM session_turns WHERE session_id = $1").bind(id.as_str()).execute(&mut *transaction).await?;
    Ok(())
}

/// Adds turns to the totals of their models. A turn without an answer does not count as a request, but its tokens and its
/// cost count.
async fn add_to_totals(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    // Every replica updates the rows in the same order, so that transactions cannot deadlock.
    let mut models = BTreeMap::<&str, ModelUsage>::new();
    for turn in turns.iter().filter(|turn| !turn.failed() || turn.usage.total() > 0 || turn.cost.total() > 0) {
        let sum = models.entry(&turn.model).or_default();
        sum.requests += u64::from(!turn.failed());
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
    INSERT_SESSION_TURNS
        .execute(transaction, in_sessions.into_iter(), |statement, row| {
            let (session, turn) = row.unzip();
            statement
                .bind(session.map(SessionId::as_str))
                .bind(turn.map(|turn| turn.ended_at.as_microsecond()))
                .bind(turn.map(|turn| turn.model.as_str()))
                .bind(turn.map(|turn| i64::from(turn.failed())))
                .bind(turn.map(|turn| to_integer(turn.usage.prompt)))
                .bind(turn.map(|turn| to_integer(turn.usage.completion)))
                .bind(turn.map(|turn| to_integer(turn.cost.total())))
                .bind(turn.map(|turn| i64::try_from(turn.latency.as_micros()).unwrap_or(i64::MAX)))
        })
        .await
}

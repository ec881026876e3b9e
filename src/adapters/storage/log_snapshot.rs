//! Everything that the database holds of the turns of a session log at one moment, to be compared with the log.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    column_values::{to_count, to_timestamp},
    database::Transaction,
    failure::StorageFailure,
    log_instances,
    log_totals::{self, LogTotal},
    reader::{self, DatabaseReadFailure},
    statement::sql,
};
use crate::{
    domain::{cost::TokenUsage, log_position::CountedLines},
    foundation::config,
};

/// What the database holds of the turns of one session log, and of all turns.
#[derive(Clone, Debug, Default)]
pub struct LogSnapshot {
    /// The lines that are counted.
    pub counted: CountedLines,
    /// The first process whose turns are in `totals` as a whole; `None` if the database knows nothing of the log.
    pub since: Option<uuid::Uuid>,
    /// The results of the log's turns.
    pub totals: Vec<LogTotal>,
    /// Whether turns of other session logs are in the database, too.
    pub has_other_logs: bool,
    /// The usage of each model by all turns, as `GET /api/openai/usage` adds it up.
    pub usage: BTreeMap<String, ModelUsage>,
    /// The same from the results of the turns of all session logs.
    pub summed: BTreeMap<String, ModelUsage>,
    /// What is kept of single turns.
    pub turns: Vec<KeptTurn>,
    /// The sessions, by their ids.
    pub sessions: BTreeMap<String, KeptSession>,
}

/// The usage of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelUsage {
    /// The number of answered turns.
    pub answered: u64,
    /// The tokens of all turns.
    pub usage: TokenUsage,
    /// The cost of all turns in pico-dollars.
    pub cost: u64,
}

/// What is kept of one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTurn {
    /// The id of the request.
    pub request_id: String,
    /// What is kept.
    pub kept: Kept,
}

/// What is kept of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The answer for a repeated `Idempotency-Key`.
    Answer {
        /// The name of the model.
        model: String,
        /// The tokens of the turn.
        usage: TokenUsage,
        /// The reason for the end of the answer.
        finish: String,
    },
    /// The usage record that waits for Papita, as JSON.
    UsageRecord(String),
    /// The answer in the stored chat with this number.
    Message(i64),
    /// The question of a turn in a stored chat that was not answered.
    FailedQuestion,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptSession {
    /// The start, if the session was started here.
    pub started_at: Option<Timestamp>,
    /// The end, by the wall clock; `None` while the session goes on.
    pub stopped_at: Option<Timestamp>,
    /// Whether the stop is in a session log.
    pub is_stop_logged: bool,
    /// The turns; empty after the stop is logged.
    pub turns: Vec<SessionTurn>,
}

/// A turn of a session that goes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionTurn {
    /// The name of the model that was called.
    pub model: String,
    /// Whether the turn ended without an answer.
    pub failed: bool,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The cost in pico-dollars.
    pub cost: u64,
    /// The latency in microseconds.
    pub latency: u64,
}

impl LogSnapshot {
    /// Reads a database that a service may be using, without changing anything. `log` is the id of the session log. A process
    /// that has opened the file of a SQLite database otherwise must not call this.
    pub async fn read(settings: &config::Database, log: &str) -> Result<Self, DatabaseReadFailure> {
        reader::read(settings, async |database| {
            let mut transaction = database.begin_reading().await?;
            let snapshot = Self::read_in(&mut transaction, log).await?;
            transaction.rollback().await?;
            Ok(snapshot)
        })
        .await
    }

    async fn read_in(transaction: &mut Transaction, log: &str) -> Result<Self, StorageFailure> {
        let (others,): (i64,) =
            sql("SELECT COUNT(*) FROM log_totals_since WHERE log <> $1").bind(log).fetch_one(&mut *transaction).await?;
        Ok(Self {
            counted: log_instances::fetch(&mut *transaction, log).await?,
            since: log_totals::fetch_since(transaction, log).await?,
            totals: log_totals::fetch(transaction, log).await?,
            has_other_logs: others > 0,
            usage: usage(transaction).await?,
            summed: summed(transaction).await?,
            turns: turns(transaction).await?,
            sessions: sessions(transaction).await?,
        })
    }
}

type UsageRow = (String, i64, i64, i64, i64);

fn by_model(rows: Vec<UsageRow>) -> BTreeMap<String, ModelUsage> {
    let usage = |(model, answered, prompt, completion, cost)| {
        let usage = TokenUsage { prompt: to_count(prompt), completion: to_count(completion) };
        (model, ModelUsage { answered: to_count(answered), usage, cost: to_count(cost) })
    };
    rows.into_iter().map(usage).collect()
}

async fn usage(transaction: &mut Transaction) -> Result<BTreeMap<String, ModelUsage>, StorageFailure> {
    let rows = sql("SELECT model, requests, prompt_tokens, completion_tokens, prompt_cost_pico + completion_cost_pico
         FROM usage_totals");
    rows.fetch_all(transaction).await.map(by_model)
}

async fn summed(transaction: &mut Transaction) -> Result<BTreeMap<String, ModelUsage>, StorageFailure> {
    let rows = sql("SELECT model, CAST(SUM(CASE WHEN code = '' THEN turns ELSE 0 END) AS BIGINT),
                CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT),
                CAST(SUM(cost_pico) AS BIGINT)
         FROM log_totals GROUP BY model");
    rows.fetch_all(transaction).await.map(by_model)
}

/// The columns of an answer for a repeated key.
type AnswerRow = (String, Option<String>, Option<i64>, Option<i64>, Option<String>);

async fn turns(transaction: &mut Transaction) -> Result<Vec<KeptTurn>, StorageFailure> {
    let answers: Vec<AnswerRow> =
        sql("SELECT request_id, model, prompt_tokens, completion_tokens, finish FROM idempotency_keys
             WHERE answered_at IS NOT NULL")
        .fetch_all(&mut *transaction)
        .await?;
    let records: Vec<(String, String)> =
        sql("SELECT request_id, body FROM papita_outbox").fetch_all(&mut *transaction).await?;
    let messages: Vec<(String, i64)> =
        sql("SELECT request_id, chat_id FROM messages WHERE sender = 'bot'").fetch_all(&mut *transaction).await?;
    let failed: Vec<(String,)> =
        sql("SELECT request_id FROM messages WHERE status = 'failed'").fetch_all(&mut *transaction).await?;
    let answers = answers.into_iter().map(|(request_id, model, prompt, completion, finish)| {
        let tokens = |column: Option<i64>| to_count(column.unwrap_or_default());
        let usage = TokenUsage { prompt: tokens(prompt), completion: tokens(completion) };
        let (model, finish) = (model.unwrap_or_default(), finish.unwrap_or_default());
        KeptTurn { request_id, kept: Kept::Answer { model, usage, finish } }
    });
    let records = records.into_iter().map(|(request_id, body)| KeptTurn { request_id, kept: Kept::UsageRecord(body) });
    let messages = messages.into_iter().map(|(request_id, chat)| KeptTurn { request_id, kept: Kept::Message(chat) });
    let failed = failed.into_iter().map(|(request_id,)| KeptTurn { request_id, kept: Kept::FailedQuestion });
    Ok(answers.chain(records).chain(messages).chain(failed).collect())
}

async fn sessions(transaction: &mut Transaction) -> Result<BTreeMap<String, KeptSession>, StorageFailure> {
    let rows: Vec<(String, Option<i64>, Option<i64>, i64)> =
        sql("SELECT id, started_at, stopped_at, logged FROM sessions").fetch_all(&mut *transaction).await?;
    let session = |(id, started_at, stopped_at, logged): (_, Option<i64>, Option<i64>, i64)| {
        let (started_at, stopped_at) = (started_at.map(to_timestamp), stopped_at.map(to_timestamp));
        (id, KeptSession { started_at, stopped_at, is_stop_logged: logged != 0, turns: Vec::new() })
    };
    let mut sessions = rows.into_iter().map(session).collect::<BTreeMap<_, _>>();
    let turns: Vec<(String, String, i64, i64, i64, i64, i64)> = sql(
        "SELECT session_id, model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us FROM session_turns",
    )
    .fetch_all(&mut *transaction)
    .await?;
    for (id, model, failed, prompt, completion, cost, latency) in turns {
        sessions.entry(id).or_default().turns.push(SessionTurn {
            model,
            failed: failed != 0,
            prompt_tokens: to_count(prompt),
            completion_tokens: to_count(completion),
            cost: to_count(cost),
            latency: to_count(latency),
        });
    }
    Ok(sessions)
}

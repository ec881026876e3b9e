//! The sums over the turns of a session log that the database has at one moment, to be compared with the log. Rows of single turns
//! and sessions are read by [`SnapshotRows`].

use std::collections::BTreeMap;

use super::{
    column_values::to_count,
    database::Transaction,
    failure::StorageFailure,
    log_instances,
    log_totals::{self, LogTotal},
    other_logs::{self, OtherLogs},
    reader::{self, DatabaseReadFailure, Reader},
    row_bounds::RowBounds,
    snapshot_rows::SnapshotRows,
    statement::sql,
};
use crate::{
    domain::{cost::TokenUsage, log_position::CountedLines},
    foundation::config,
};

/// Sums over the turns of one session log, and over all turns, with the lines of the log that are counted.
#[derive(Clone, Debug, Default)]
pub struct LogSnapshot {
    /// The lines that are counted.
    pub counted: CountedLines,
    /// The first process whose turns are in `totals` as a whole; `None` if the database knows nothing of the log.
    pub since: Option<uuid::Uuid>,
    /// The results of the log's turns.
    pub totals: Vec<LogTotal>,
    /// The other session logs of the same database, by the processes that wrote them.
    pub other_logs: OtherLogs,
    /// The usage of each model by all turns, as `GET /api/openai/usage` adds it up.
    pub usage: BTreeMap<String, ModelUsage>,
    /// The same from the results of the turns of all session logs.
    pub summed: BTreeMap<String, ModelUsage>,
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

impl LogSnapshot {
    /// Reads a database that a service may be using, without changing anything. `log` is the id of the session log. The rows of
    /// single turns and sessions in the period `bounds` are read later, in the same transaction, which lasts until they are
    /// closed. A process that has opened the file of a SQLite database otherwise must not call this.
    ///
    /// To be called on a runtime that runs by itself, with threads of its own, which then reads the rows.
    pub async fn read(
        settings: &config::Database,
        log: &str,
        bounds: RowBounds,
    ) -> Result<(Self, SnapshotRows), DatabaseReadFailure> {
        let reader = reader::open_settled(settings).await?;
        match Self::begin(&reader, log).await {
            Ok((snapshot, transaction)) => Ok((snapshot, SnapshotRows::new(reader, transaction, bounds))),
            Err(failure) => {
                reader.close().await?;
                Err(failure.into())
            }
        }
    }

    async fn begin(reader: &Reader, log: &str) -> Result<(Self, Transaction), StorageFailure> {
        let mut transaction = reader.database.begin_reading().await?;
        let snapshot = Self {
            counted: log_instances::fetch(&mut transaction, log).await?,
            since: log_totals::fetch_since(&mut transaction, log).await?,
            totals: log_totals::fetch(&mut transaction, log).await?,
            other_logs: other_logs::fetch(&mut transaction, log).await?,
            usage: usage(&mut transaction).await?,
            summed: summed(&mut transaction).await?,
        };
        Ok((snapshot, transaction))
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

//! The tables `log_totals` and `log_totals_since`: the results of turns by the process, day and model of their lines in the
//! session log, and by their error code.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::civil::Date;
use uuid::Uuid;

use super::{
    bulk_insert::BulkInsert,
    column_values::{to_count, to_integer},
    database::{Pool, Transaction},
    failure::StorageFailure,
    statement::{Executor, sql},
    turn_record::TurnRecord,
};
use crate::domain::{cost::TokenUsage, log_position::LogPosition};

/// Turns of one process, day, model and error code, as the database has counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTotal {
    /// The id of the process.
    pub instance: Uuid,
    /// The date of the lines, `YYYY-MM-DD`.
    pub day: String,
    /// The name of the model that was called.
    pub model: String,
    /// The error code; empty for answered turns.
    pub code: String,
    /// The number of turns.
    pub turns: u64,
    /// The tokens of the turns.
    pub usage: TokenUsage,
    /// The cost of the turns in pico-dollars.
    pub cost: u64,
    /// The numbers of the first and the last line; `None` for turns without a line.
    pub seqs: Option<(u64, u64)>,
}

/// The columns of a [`LogTotal`].
type Row = (String, String, String, String, i64, i64, i64, i64, i64, i64);

/// Turns of one process, day, model and error code.
#[derive(Default)]
struct Sums {
    turns: u64,
    usage: TokenUsage,
    cost: u64,
    first_seq: u64,
    last_seq: u64,
}

impl Sums {
    fn add(&mut self, turn: &TurnRecord) {
        let seq = turn.line.map_or(0, |line| line.seq);
        self.turns += 1;
        self.usage += turn.usage;
        self.cost = self.cost.saturating_add(turn.cost.total());
        self.first_seq = if self.turns == 1 { seq } else { self.first_seq.min(seq) };
        self.last_seq = self.last_seq.max(seq);
    }
}

/// Returns the totals of a session log.
pub(super) async fn fetch(transaction: &mut Transaction, log: &str) -> Result<Vec<LogTotal>, StorageFailure> {
    let rows: Vec<Row> = sql("SELECT instance, day, model, code, turns, prompt_tokens, completion_tokens, cost_pico,
                first_seq, last_seq
         FROM log_totals WHERE log = $1 ORDER BY instance, day, model, code")
    .bind(log)
    .fetch_all(transaction)
    .await?;
    Ok(rows.into_iter().filter_map(total).collect())
}

/// Returns the total in a row; `None` if its id was not written by al-chat.
fn total((instance, day, model, code, turns, prompt, completion, cost, first, last): Row) -> Option<LogTotal> {
    Some(LogTotal {
        instance: instance.parse().ok()?,
        day,
        model,
        code,
        turns: to_count(turns),
        usage: TokenUsage { prompt: to_count(prompt), completion: to_count(completion) },
        cost: to_count(cost),
        seqs: (last > 0).then_some((to_count(first), to_count(last))),
    })
}

/// Returns the last line with a turn of each process of a session log.
pub(super) async fn fetch_last_lines(
    on: impl Into<Executor<'_>>,
    log: &str,
) -> Result<Vec<LogPosition>, StorageFailure> {
    let rows: Vec<(String, i64)> =
        sql("SELECT instance, MAX(last_seq) FROM log_totals WHERE log = $1 AND last_seq > 0 GROUP BY instance")
            .bind(log)
            .fetch_all(on)
            .await?;
    let position =
        |(instance, seq): (String, i64)| Some(LogPosition { instance: instance.parse().ok()?, seq: to_count(seq) });
    Ok(rows.into_iter().filter_map(position).collect())
}

/// Returns the first process of a session log whose turns are in the table as a whole.
pub(super) async fn fetch_since(transaction: &mut Transaction, log: &str) -> Result<Option<Uuid>, StorageFailure> {
    let row: Option<(String,)> =
        sql("SELECT instance FROM log_totals_since WHERE log = $1").bind(log).fetch_optional(transaction).await?;
    Ok(row.and_then(|(instance,)| instance.parse().ok()))
}

/// Returns the number of turns of a process that have no line.
pub(super) async fn fetch_unlogged(
    transaction: &mut Transaction,
    log: &str,
    instance: Uuid,
) -> Result<u64, StorageFailure> {
    let (turns,): (i64,) = sql("SELECT CAST(COALESCE(SUM(turns), 0) AS BIGINT) FROM log_totals
         WHERE log = $1 AND instance = $2 AND last_seq = 0")
    .bind(log)
    .bind(instance.to_string())
    .fetch_one(transaction)
    .await?;
    Ok(to_count(turns))
}

/// Adds sums to their rows.
static ADD_SUMS: LazyLock<BulkInsert> = LazyLock::new(|| {
    let columns =
        "log, instance, day, model, code, turns, prompt_tokens, completion_tokens, cost_pico, first_seq, last_seq";
    let (texts, numbers) = (["TEXT"; 5], ["BIGINT"; 6]);
    BulkInsert::new(
        columns,
        &[&texts[..], &numbers[..]].concat(),
        &format!(
            "INSERT INTO log_totals ({columns}) SELECT v.* FROM v WHERE v.log IS NOT NULL
             ON CONFLICT (log, instance, day, model, code) DO UPDATE SET
                 turns = log_totals.turns + excluded.turns,
                 prompt_tokens = log_totals.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = log_totals.completion_tokens + excluded.completion_tokens,
                 cost_pico = log_totals.cost_pico + excluded.cost_pico,
                 last_seq = excluded.last_seq"
        ),
    )
});

/// Adds turns. Those without a line are of the process `own`.
pub(super) async fn add(
    transaction: &mut Transaction,
    log: &str,
    own: Uuid,
    turns: &[&TurnRecord],
) -> Result<(), StorageFailure> {
    let mut groups = BTreeMap::<(Uuid, Date, &str, &str), Sums>::new();
    for turn in turns {
        let instance = turn.line.map_or(own, |line| line.instance);
        let code = turn.code.as_deref().unwrap_or_default();
        groups.entry((instance, turn.log_date, &turn.model, code)).or_default().add(turn);
    }
    ADD_SUMS
        .execute(transaction, groups.into_iter(), |statement, row| {
            let (group, sums) = row.unzip();
            let sum = |of: fn(&Sums) -> u64| sums.as_ref().map(of).map(to_integer);
            statement
                .bind(group.map(|_| log))
                .bind(group.map(|(instance, ..)| instance.to_string()))
                .bind(group.map(|(_, day, ..)| day.to_string()))
                .bind(group.map(|(_, _, model, _)| model))
                .bind(group.map(|(.., code)| code))
                .bind(sum(|sums| sums.turns))
                .bind(sum(|sums| sums.usage.prompt))
                .bind(sum(|sums| sums.usage.completion))
                .bind(sum(|sums| sums.cost))
                .bind(sum(|sums| sums.first_seq))
                .bind(sum(|sums| sums.last_seq))
        })
        .await
}

/// Notes that all turns of a session log are in the table from this process on, unless they were before.
pub(super) async fn begin(write: &Pool, log: &str, instance: Uuid) -> Result<(), StorageFailure> {
    sql("INSERT INTO log_totals_since (log, instance) VALUES ($1, $2) ON CONFLICT (log) DO NOTHING")
        .bind(log)
        .bind(instance.to_string())
        .execute(write)
        .await?;
    Ok(())
}

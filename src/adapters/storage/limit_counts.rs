//! The table `limit_counts`: the usage of each visitor, each address, each site, each API key and of all together, in each
//! minute and on each day.
//!
//! Each replica adds its own usage and reservations to the rows, and takes off what it has reserved too much. The statement
//! returns the sums of all replicas.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::{
    bulk_delete,
    bulk_insert::BulkInsert,
    column_values::{to_count, to_integer, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    statement::{Statement, sql},
};
use crate::{
    domain::limits::{AmountChanges, Amounts, LimitGroup},
    foundation::config::LimitWindow,
};

/// A row of the table: the turns, tokens and cost of a visitor, an address, a site, an API key or all together in a minute or on
/// a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitCount {
    /// A keyed hash of whose usage it is, after the scope, and after the site or API key whose limits it counts for.
    pub counted: String,
    /// The end of the window, in [`Storage::session_time`].
    pub ends_at: Timestamp,
    /// The length of the window in seconds.
    pub seconds: u32,
    /// The turns, tokens and cost.
    pub amounts: Amounts,
}

/// A change of a row, which is inserted if there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitChange {
    /// As in [`LimitCount`].
    pub counted: String,
    /// As in [`LimitCount`].
    pub ends_at: Timestamp,
    /// As in [`LimitCount`].
    pub seconds: u32,
    /// The changes of turns, tokens and cost.
    pub changes: AmountChanges,
}

type CountRow = (String, i64, i64, i64, i64, i64);

fn limit_count((counted, seconds, ends_at, turns, tokens, cost): CountRow) -> LimitCount {
    LimitCount {
        counted,
        ends_at: to_timestamp(ends_at),
        seconds: u32::try_from(seconds).unwrap_or_default(),
        amounts: Amounts { turns: to_count(turns), tokens: to_count(tokens), cost: to_count(cost) },
    }
}

static ADD_COUNTS: LazyLock<BulkInsert> = LazyLock::new(|| {
    BulkInsert::new(
        "counted, seconds, ends_at, turns, tokens, cost_pico",
        &["TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"],
        "INSERT INTO limit_counts (counted, seconds, ends_at, turns, tokens, cost_pico)
         SELECT v.* FROM v WHERE counted IS NOT NULL
         ON CONFLICT (counted, seconds, ends_at) DO UPDATE SET
             turns = limit_counts.turns + excluded.turns,
             tokens = limit_counts.tokens + excluded.tokens,
             cost_pico = limit_counts.cost_pico + excluded.cost_pico
         RETURNING counted, seconds, ends_at, turns, tokens, cost_pico",
    )
});

impl Storage {
    /// Applies these changes, each once, and returns the rows that they have changed. All are applied, or none.
    pub async fn change_limit_counts(&self, mut changes: Vec<LimitChange>) -> Result<Vec<LimitCount>, StorageFailure> {
        // Every replica updates the rows in the same order, so that transactions cannot deadlock.
        changes.sort_unstable();
        let mut transaction = self.write.begin().await?;
        let bind = |statement: Statement<'static>, row: Option<LimitChange>| {
            let changes = row.as_ref().map(|row| row.changes);
            let seconds = row.as_ref().map(|row| i64::from(row.seconds));
            let ends_at = row.as_ref().map(|row| row.ends_at.as_microsecond());
            let statement = statement.bind(row.map(|row| row.counted)).bind(seconds).bind(ends_at);
            let change = |of: fn(AmountChanges) -> i64| changes.map(of);
            statement.bind(change(|it| it.turns)).bind(change(|it| it.tokens)).bind(change(|it| it.cost))
        };
        let rows: Vec<CountRow> = ADD_COUNTS.fetch_all(&mut transaction, changes.into_iter(), bind).await?;
        transaction.commit().await?;
        Ok(rows.into_iter().map(limit_count).collect())
    }

    /// Returns what is used in windows that have not ended, at most `most` of them: those with the most tokens.
    pub async fn limit_counts(&self, most: usize) -> Result<Vec<LimitCount>, StorageFailure> {
        let rows: Vec<CountRow> = sql("SELECT counted, seconds, ends_at, turns, tokens, cost_pico FROM limit_counts
             WHERE ends_at > $1 ORDER BY tokens DESC LIMIT $2")
        .bind(self.time.session_time())
        .bind(to_integer(most as u64))
        .fetch_all(&self.write)
        .await?;
        Ok(rows.into_iter().map(limit_count).collect())
    }

    /// Returns what is used in windows of a length that have not ended, of one group, where at least one amount is reached. At
    /// most `most` of them: those with the most tokens.
    pub async fn limit_counts_from(
        &self,
        group: LimitGroup,
        window: LimitWindow,
        least: Amounts,
        most: usize,
    ) -> Result<Vec<LimitCount>, StorageFailure> {
        let rows: Vec<CountRow> = sql("SELECT counted, seconds, ends_at, turns, tokens, cost_pico FROM limit_counts
             WHERE ends_at > $1 AND seconds = $2 AND counted LIKE $3 ESCAPE '!' AND (turns >= $4 OR tokens >= $5 OR cost_pico >= $6)
             ORDER BY tokens DESC LIMIT $7")
        .bind(self.time.session_time())
        .bind(i64::from(window.seconds()))
        .bind(format!("{}:%", group.to_string().replace('_', "!_")))
        .bind(to_integer(least.turns))
        .bind(to_integer(least.tokens))
        .bind(to_integer(least.cost))
        .bind(to_integer(most as u64))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(limit_count).collect())
    }

    /// Deletes the counts of whose usage this is, in all windows. Returns whether there were any. What replicas take off
    /// afterwards, because running turns are settled at less than was reserved, lowers the next counts.
    pub async fn delete_limit_counts(&self, counted: &str) -> Result<bool, StorageFailure> {
        let deleted = sql("DELETE FROM limit_counts WHERE counted = $1").bind(counted).execute(&self.write).await?;
        Ok(deleted > 0)
    }

    /// Deletes the counts of windows that have ended.
    pub async fn purge_limit_counts(&self) -> Result<(), StorageFailure> {
        // A replica whose clock is a little ahead must not delete what another still adds to.
        let ended = self.time.session_time() - i64::from(LimitWindow::Minute.seconds()) * 1_000_000;
        bulk_delete::in_batches(&self.write, |limit| {
            sql("DELETE FROM limit_counts WHERE (counted, seconds, ends_at) IN (
                     SELECT counted, seconds, ends_at FROM limit_counts WHERE ends_at < $1 LIMIT $2)")
            .bind(ended)
            .bind(limit)
        })
        .await?;
        Ok(())
    }
}

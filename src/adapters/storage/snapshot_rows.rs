//! The rows of single turns and sessions at the moment of a snapshot, read page by page in its transaction.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::{
    column_values::to_count,
    database::Transaction,
    failure::StorageFailure,
    reader::{DatabaseReadFailure, Reader},
    row_bounds::RowBounds,
    statement::sql,
    turn_rows::{StoredTurn, TurnRow},
};
use crate::domain::cost::TokenUsage;

/// The number of rows that are read at once.
pub(super) const PAGE: usize = 1000;

/// The same, as a statement takes it.
pub(super) const LIMIT: i64 = 1000;

/// Rows of single turns and sessions, all of one moment. Its functions block, so a task must not call them. After a failure there
/// are no more rows, and [`Self::close`] returns it.
#[derive(Debug)]
pub struct SnapshotRows {
    state: Mutex<State>,
    /// A runtime that runs by itself.
    runtime: Handle,
    pub(super) bounds: RowBounds,
}

#[derive(Debug)]
struct State {
    /// `None` after the end.
    reader: Option<Reader>,
    /// `None` after the end, and after a failure.
    transaction: Option<Transaction>,
    failure: Option<StorageFailure>,
}

/// The columns of an answer for a repeated key.
type AnswerRow = (String, String, String, Option<String>, Option<i64>, Option<i64>, Option<String>);

impl SnapshotRows {
    pub(super) fn new(reader: Reader, transaction: Transaction, bounds: RowBounds) -> Self {
        let state = Mutex::new(State { reader: Some(reader), transaction: Some(transaction), failure: None });
        Self { state, runtime: Handle::current(), bounds }
    }

    /// Reads the pages after a position, from `query`, and calls `take` with each row. It returns the position of the row.
    fn for_each_row<P, R>(
        &self,
        mut position: P,
        query: &impl AsyncFn(&mut Transaction, &P) -> Result<Vec<R>, StorageFailure>,
        mut take: impl FnMut(R) -> P,
    ) {
        loop {
            let page = self.run(async |transaction| query(transaction, &position).await);
            let is_last = page.len() < PAGE;
            for row in page {
                position = take(row);
            }
            if is_last {
                return;
            }
        }
    }

    /// Calls a function with each answer that is stored for a repeated `Idempotency-Key`.
    pub fn for_each_answer(&self, mut take: impl FnMut(StoredTurn)) {
        let (since, until) = self.bounds.ids();
        let query = async |transaction: &mut Transaction, (caller, key): &(String, String)| {
            sql("SELECT caller, key, request_id, model, prompt_tokens, completion_tokens, finish FROM idempotency_keys
                 WHERE (caller, key) > ($1, $2) AND answered_at IS NOT NULL AND request_id >= $3 AND request_id < $4
                 ORDER BY caller, key LIMIT $5")
            .bind(caller)
            .bind(key)
            .bind(&since)
            .bind(&until)
            .bind(LIMIT)
            .fetch_all(transaction)
            .await
        };
        self.for_each_row(
            (String::new(), String::new()),
            &query,
            |(caller, key, request_id, model, prompt, completion, finish): AnswerRow| {
                let tokens = |column: Option<i64>| to_count(column.unwrap_or_default());
                let usage = TokenUsage { prompt: tokens(prompt), completion: tokens(completion) };
                let (model, finish) = (model.unwrap_or_default(), finish.unwrap_or_default());
                take(StoredTurn { request_id, row: TurnRow::Answer { model, usage, finish } });
                (caller, key)
            },
        );
    }

    /// Calls a function with each usage record that waits for Papita.
    pub fn for_each_usage_record(&self, mut take: impl FnMut(StoredTurn)) {
        let (since, until) = self.bounds.ids();
        let query = async |transaction: &mut Transaction, last: &i64| {
            sql("SELECT id, request_id, body FROM papita_outbox
                 WHERE id > $1 AND request_id >= $2 AND request_id < $3 ORDER BY id LIMIT $4")
            .bind(*last)
            .bind(&since)
            .bind(&until)
            .bind(LIMIT)
            .fetch_all(transaction)
            .await
        };
        self.for_each_row(0, &query, |(id, request_id, body): (i64, String, String)| {
            take(StoredTurn { request_id, row: TurnRow::UsageRecord(body) });
            id
        });
    }

    /// Returns the first rows of turns in stored chats whose request ids are after `after` and before `before`, in the order of
    /// these ids, and for each id all its rows.
    #[must_use]
    pub fn messages(&self, after: &str, before: Option<&str>) -> MessagePage {
        let (since, until) = self.bounds.ids();
        let (after, before) = (after.max(&since), before.unwrap_or(&until).min(&until));
        let mut rows: Vec<(String, i64, String)> = self.run(async |transaction| {
            sql("SELECT request_id, chat_id, sender FROM messages
                 WHERE request_id > $1 AND request_id < $2 AND (sender = 'bot' OR status = 'failed')
                 ORDER BY request_id LIMIT $3")
            .bind(after)
            .bind(before)
            .bind(LIMIT)
            .fetch_all(transaction)
            .await
        });
        let has_more = rows.len() == PAGE;
        if has_more
            && let Some(of_last) = rows.last().and_then(|last| rows.iter().position(|row| row.0 == last.0))
            && of_last > 0
        {
            // The next page has those of the last request as a whole.
            rows.truncate(of_last);
        }
        let rows = rows.into_iter();
        let turns =
            rows.map(|(request_id, chat, sender)| StoredTurn { request_id, row: message(chat, &sender) }).collect();
        MessagePage { turns, has_more }
    }

    /// Returns the rows of one turn in a stored chat.
    #[must_use]
    pub fn messages_of(&self, request_id: &str) -> Vec<TurnRow> {
        let rows: Vec<(i64, String)> = self.run(async |transaction| {
            sql("SELECT chat_id, sender FROM messages
                 WHERE request_id = $1 AND (sender = 'bot' OR status = 'failed')")
            .bind(request_id)
            .fetch_all(transaction)
            .await
        });
        rows.into_iter().map(|(chat, sender)| message(chat, &sender)).collect()
    }

    /// Runs a query. Returns the default after a failure.
    pub(super) fn run<T: Default>(&self, query: impl AsyncFnOnce(&mut Transaction) -> Result<T, StorageFailure>) -> T {
        let mut state = self.state();
        let Some(mut transaction) = state.transaction.take() else { return T::default() };
        // For the end of the transaction after a failure.
        let _context = self.runtime.enter();
        match self.runtime.block_on(query(&mut transaction)) {
            Ok(value) => {
                state.transaction = Some(transaction);
                value
            }
            Err(failure) => {
                state.failure = Some(failure);
                T::default()
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the transaction, and closes the database. Fails if not all could be read, or if what was read may be wrong, because a
    /// process began to use the file of a SQLite database meanwhile.
    pub fn close(self) -> Result<(), DatabaseReadFailure> {
        let mut state = self.state();
        let (reader, transaction, failure) = (state.reader.take(), state.transaction.take(), state.failure.take());
        drop(state);
        self.runtime.block_on(async {
            let ended = match transaction {
                Some(transaction) => transaction.rollback().await,
                None => Ok(()),
            };
            if let Some(reader) = reader {
                reader.close().await?;
            }
            Ok(failure.map_or(ended, Err)?)
        })
    }
}

impl Drop for SnapshotRows {
    /// Ends the transaction, which closes its connection on the runtime.
    fn drop(&mut self) {
        let _context = self.runtime.enter();
        let mut state = self.state();
        drop((state.transaction.take(), state.reader.take()));
    }
}

/// A page of the rows of turns in stored chats.
#[derive(Clone, Debug, Default)]
pub struct MessagePage {
    /// The rows.
    pub turns: Vec<StoredTurn>,
    /// Whether there are further rows.
    pub has_more: bool,
}

fn message(chat: i64, sender: &str) -> TurnRow {
    if sender == "bot" { TurnRow::Message(chat) } else { TurnRow::FailedQuestion }
}

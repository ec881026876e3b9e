//! The table `open_streams`: streams that have run for about a second and have not ended. The end of a stream removes it in
//! the transaction that stores the turn. What is left at a start was interrupted by the end of an earlier process.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    bulk_delete::BulkDelete, bulk_insert::BulkInsert, database::Transaction, failure::StorageFailure,
    logged_event::LoggedEvent,
};

/// The record of a stream that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStream {
    /// The id of the request that started the stream.
    pub request_id: String,
    /// The fields of its line in the session log, as JSON.
    pub line: String,
    /// Whether this replaces an earlier record of the stream.
    pub is_renewed: bool,
}

/// Records of open streams that are to be written, by the ids of their requests.
#[derive(Debug, Default)]
pub(super) struct PendingStreams(HashMap<String, PendingStream>);

#[derive(Debug)]
struct PendingStream {
    line: String,
    /// Whether the database may have a record of the stream.
    may_be_stored: bool,
}

impl PendingStreams {
    /// Adds the record of a stream, or replaces it.
    pub(super) fn add(&mut self, stream: OpenStream) {
        let OpenStream { request_id, line, is_renewed } = stream;
        let first = PendingStream { line: String::new(), may_be_stored: is_renewed };
        self.0.entry(request_id).or_insert(first).line = line;
    }

    /// Removes the record of a stream that has ended. Returns whether the database certainly has none.
    pub(super) fn end(&mut self, request_id: &str) -> bool {
        self.0.remove(request_id).is_some_and(|stream| !stream.may_be_stored)
    }

    /// Notes that an attempt to write the records has failed. It may have stored them all the same.
    pub(super) fn note_attempt(&mut self) {
        self.0.values_mut().for_each(|stream| stream.may_be_stored = true);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

static UPSERT: LazyLock<BulkInsert> = LazyLock::new(|| {
    BulkInsert::new(
        "request_id, log, line",
        &["TEXT", "TEXT", "TEXT"],
        // SQLite needs the condition to tell the end of the query from a join.
        "INSERT INTO open_streams (request_id, log, line) SELECT request_id, log, line FROM v WHERE request_id IS NOT NULL
         ON CONFLICT (request_id) DO UPDATE SET line = excluded.line",
    )
});

static DELETE: LazyLock<BulkDelete> = LazyLock::new(|| BulkDelete::new("open_streams", "request_id"));

/// Adds streams of a session log, or renews their lines.
pub(super) async fn upsert(
    transaction: &mut Transaction,
    log: &str,
    streams: &PendingStreams,
) -> Result<(), StorageFailure> {
    UPSERT
        .execute(transaction, streams.0.iter(), |statement, row| {
            let (request_id, stream) = row.unzip();
            statement.bind(request_id).bind(request_id.map(|_| log)).bind(stream.map(|stream| &stream.line))
        })
        .await
}

/// Removes the streams that have ended with these events.
pub(super) async fn remove_ended<'a>(
    transaction: &mut Transaction,
    events: impl Iterator<Item = &'a LoggedEvent>,
) -> Result<(), StorageFailure> {
    let ended = events.filter_map(LoggedEvent::turn).filter(|turn| turn.is_on_record);
    let ids = ended.map(|turn| turn.request_id.as_str()).collect::<Vec<_>>();
    DELETE.execute(&ids, transaction).await?;
    Ok(())
}

//! The destinations of outboxes, and the SQL statements for their tables.

use std::sync::LazyLock;

use super::{
    bulk_delete::BulkDelete, bulk_insert::BulkInsert, column_values::to_integer, database::Transaction,
    failure::StorageFailure, statement::sql,
};

/// Where the records of an outbox are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The usage log of Papita.
    Papita,
    /// The receiver of events, at `EVENTS_URL`.
    Events,
}

/// The statements for the tables of one destination.
pub(super) struct OutboxStatements {
    /// The numbers of records that wait, and that were dropped.
    pub(super) counts: &'static str,
    pub(super) add_dropped: &'static str,
    /// The records after a number, at most so many. Those of events also have the time that they must not be older than.
    pub(super) records: &'static str,
    pub(super) insert: LazyLock<BulkInsert>,
    pub(super) delete: LazyLock<BulkDelete>,
}

static PAPITA: OutboxStatements = OutboxStatements {
    counts: "SELECT (SELECT COUNT(*) FROM papita_outbox), records FROM papita_drops WHERE id = 1",
    add_dropped: "UPDATE papita_drops SET records = records + $1 WHERE id = 1",
    records: "SELECT id, request_id, body, CAST(NULL AS BIGINT) FROM papita_outbox WHERE id > $1 ORDER BY id LIMIT $2",
    insert: LazyLock::new(|| {
        BulkInsert::new(
            "request_id, body, expires_at",
            &["TEXT", "TEXT", "BIGINT"],
            "INSERT INTO papita_outbox (request_id, body) SELECT request_id, body FROM v WHERE request_id IS NOT NULL",
        )
    }),
    delete: LazyLock::new(|| BulkDelete::new("papita_outbox", "id")),
};

static EVENTS: OutboxStatements = OutboxStatements {
    counts: "SELECT (SELECT COUNT(*) FROM event_outbox), records FROM event_drops WHERE id = 1",
    add_dropped: "UPDATE event_drops SET records = records + $1 WHERE id = 1",
    records: "SELECT id, webhook_id, body, expires_at FROM event_outbox WHERE id > $1 AND expires_at > $3
              ORDER BY id LIMIT $2",
    insert: LazyLock::new(|| {
        BulkInsert::new(
            "webhook_id, body, expires_at",
            &["TEXT", "TEXT", "BIGINT"],
            "INSERT INTO event_outbox (webhook_id, body, expires_at)
             SELECT webhook_id, body, expires_at FROM v WHERE webhook_id IS NOT NULL",
        )
    }),
    delete: LazyLock::new(|| BulkDelete::new("event_outbox", "id")),
};

impl Destination {
    /// Returns the statements for its tables.
    pub(super) fn statements(self) -> &'static OutboxStatements {
        match self {
            Self::Papita => &PAPITA,
            Self::Events => &EVENTS,
        }
    }

    /// Adds to the number of dropped records.
    pub(super) async fn add_dropped(self, transaction: &mut Transaction, records: u64) -> Result<(), StorageFailure> {
        if records > 0 {
            sql(self.statements().add_dropped).bind(to_integer(records)).execute(transaction).await?;
        }
        Ok(())
    }
}

//! Storing what the session log holds: turns, and the stops of sessions.

use super::{
    failure::StorageFailure,
    handle::Storage,
    logged_event::LoggedEvent,
    turn_record::{TurnRecord, UsageRecord},
};
use crate::domain::{
    log_position::{CountedLines, InstanceCount, LogEnd},
    session::SessionId,
};

impl Storage {
    /// Queues a turn for the next transaction, with the end of the session log after its line; `None` if it is not in the
    /// log. Events are queued in the order of their lines.
    pub fn enqueue_turn(&self, record: TurnRecord, end: Option<LogEnd>) {
        self.outbox.add(&record.usage_record);
        self.turn_writer.enqueue(LoggedEvent::Turn(Box::new(record)), end);
    }

    /// Notes that these events are not stored. Their usage records, which have been counted, are not counted any more.
    pub fn give_up_recovered(&self, events: &[LoggedEvent]) {
        self.outbox.give_up(events.iter());
    }

    /// Queues the turn of an interrupted stream for the next transaction. Its usage record has been counted. If its line could
    /// not be written to the session log, the stream stays on record, and its usage record is not counted any more.
    pub fn enqueue_interrupted(&self, record: TurnRecord, end: Option<LogEnd>) {
        let event = LoggedEvent::Turn(Box::new(record));
        if end.is_some() {
            self.turn_writer.enqueue(event, end);
        } else {
            self.outbox.give_up(std::iter::once(&event));
        }
    }

    /// Queues for the next transaction that the stop of a session is logged. The session's turns, which are no longer
    /// needed, are deleted.
    pub fn enqueue_logged_stop(&self, id: SessionId, end: LogEnd) {
        self.turn_writer.enqueue(LoggedEvent::SessionStop(id), Some(end));
    }

    /// Waits until all turns queued before are written. Fails if they cannot be written now.
    pub async fn flush_turns(&self) -> Result<(), StorageFailure> {
        self.turn_writer.flush().await
    }

    /// Stores events at once that are only in the session log after a crash, with what is counted then of the log, and adds that
    /// to `known`, which the database is to hold before. Their usage records have been counted, and are not any more if this
    /// fails.
    pub async fn store_recovered(
        &self,
        events: &[LoggedEvent],
        counts: &[InstanceCount],
        known: &mut CountedLines,
    ) -> Result<(), StorageFailure> {
        let mut stored = self.outbox.stored().await;
        let inserted = self.turns.insert_recovered(events, counts, known).await;
        match inserted {
            Ok(()) => stored.add(events.iter()),
            Err(_) => self.outbox.give_up(events.iter()),
        }
        inserted?;
        for count in counts {
            known.add(*count);
        }
        if events.iter().any(LoggedEvent::has_usage_record) {
            self.outbox.notify();
        }
        Ok(())
    }

    /// Counts the usage record of a turn that is about to be stored.
    pub fn count_usage_record(&self, record: &UsageRecord) {
        self.outbox.add(record);
    }
}

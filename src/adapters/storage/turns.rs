//! Storing what the session log holds: turns, and the stops of sessions.

use super::{
    failure::StorageFailure,
    handle::Storage,
    logged_event::LoggedEvent,
    outbox_entry::{AddressedEntry, OutboxEntry},
    turn_record::TurnRecord,
};
use crate::domain::{
    log_position::{CountedLines, InstanceCount, LogEnd},
    session::SessionId,
};

impl Storage {
    /// Queues a turn for the next transaction, with the end of the session log after its line; `None` if it is not in the
    /// log. Events are queued in the order of their lines.
    pub fn enqueue_turn(&self, record: TurnRecord, end: Option<LogEnd>) {
        self.outboxes.add(&record.outbox_entries().into_iter());
        self.turn_writer.enqueue(LoggedEvent::Turn(Box::new(record)), end);
    }

    /// Notes that these events are not stored. Their outbox entries, which have been counted, are not counted any more.
    pub fn give_up_recovered(&self, events: &[LoggedEvent]) {
        self.outboxes.give_up(&entries(events));
    }

    /// Queues the turn of an interrupted stream for the next transaction. Its outbox entries have been counted. If its line
    /// could not be written to the session log, the stream stays on record, and its entries are not counted any more.
    pub fn enqueue_interrupted(&self, record: TurnRecord, end: Option<LogEnd>) {
        let event = LoggedEvent::Turn(Box::new(record));
        if end.is_some() {
            self.turn_writer.enqueue(event, end);
        } else {
            self.outboxes.give_up(&event.outbox_entries());
        }
    }

    /// Queues for the next transaction that the stop of a session is logged, and its event. The session's turns, which are
    /// no longer needed, are deleted.
    pub fn enqueue_logged_stop(&self, id: SessionId, event: OutboxEntry, end: LogEnd) {
        let stop = LoggedEvent::SessionStop { id, event };
        self.outboxes.add(&stop.outbox_entries());
        self.turn_writer.enqueue(stop, Some(end));
    }

    /// Waits until all turns queued before are written. Fails if they cannot be written now.
    pub async fn flush_turns(&self) -> Result<(), StorageFailure> {
        self.turn_writer.flush().await
    }

    /// Stores events at once that are only in the session log after a crash, with what is counted then of the log, and adds that
    /// to `known`, which the database is to hold before. Their outbox entries have been counted, and are not any more if
    /// this fails.
    pub async fn store_recovered(
        &self,
        events: &[LoggedEvent],
        counts: &[InstanceCount],
        known: &mut CountedLines,
    ) -> Result<(), StorageFailure> {
        let mut stored = self.outboxes.stored().await;
        let inserted = self.turns.insert_recovered(events, counts, known).await;
        match inserted {
            Ok(()) => stored.add(&entries(events)),
            Err(_) => self.outboxes.give_up(&entries(events)),
        }
        inserted?;
        for count in counts {
            known.add(*count);
        }
        Ok(())
    }

    /// Counts the outbox entries of an event that is about to be stored.
    pub fn count_recovered(&self, event: &LoggedEvent) {
        self.outboxes.add(&event.outbox_entries());
    }

    /// Counts the outbox entries of a turn that is about to be stored.
    pub fn count_interrupted(&self, record: &TurnRecord) {
        self.outboxes.add(&record.outbox_entries().into_iter());
    }

    /// Counts the records of all outboxes anew.
    pub async fn recount_outboxes(&self) -> Result<(), StorageFailure> {
        self.outboxes.stored().await.recount(&self.read).await
    }
}

fn entries(events: &[LoggedEvent]) -> impl Iterator<Item = AddressedEntry<'_>> + Clone {
    events.iter().flat_map(LoggedEvent::outbox_entries)
}

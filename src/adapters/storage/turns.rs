//! Storing what the session log holds: turns, and the stops of sessions.

use super::{failure::StorageFailure, handle::Storage, logged_event::LoggedEvent, turn_record::TurnRecord};
use crate::domain::{
    log_position::{InstanceCount, LogPosition},
    session::SessionId,
};

impl Storage {
    /// Queues a turn for the next transaction, with the position of its line in the session log; `None` if it is not in the
    /// log. Events are queued in the order of their lines.
    pub fn enqueue_turn(&self, record: TurnRecord, position: Option<LogPosition>) {
        self.outbox.add(usize::from(record.usage_record.is_some()));
        self.turn_writer.enqueue(LoggedEvent::Turn(Box::new(record)), position);
    }

    /// Queues for the next transaction that the stop of a session is logged. The session's turns, which are no longer
    /// needed, are deleted.
    pub fn enqueue_logged_stop(&self, id: SessionId, position: LogPosition) {
        self.turn_writer.enqueue(LoggedEvent::SessionStop(id), Some(position));
    }

    /// Stores events at once that are only in the session log after a crash, with what is counted then of the log. Their
    /// usage records have been added to the number of records in the outbox.
    pub async fn store_recovered(
        &self,
        events: &[LoggedEvent],
        counts: &[InstanceCount],
    ) -> Result<(), StorageFailure> {
        self.turns.insert_recovered(events, counts).await?;
        if events.iter().any(LoggedEvent::has_usage_record) {
            self.outbox.notify();
        }
        Ok(())
    }

    /// Adds a usage record that is about to be stored to the number of records in the outbox.
    pub fn count_outbox_record(&self) {
        self.outbox.add(1);
    }
}

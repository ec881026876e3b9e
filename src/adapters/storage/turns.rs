//! Storing turns, and the positions in the session log up to which they are stored.

use super::{failure::StorageFailure, handle::Storage, log_positions, turn_record::TurnRecord};
use crate::domain::log_position::LogPosition;

/// The number of turns in one transaction of [`Storage::store_turns`].
const RECOVERY_BATCH: usize = 1000;

impl Storage {
    /// Queues a turn for the next transaction, with the position in the session log after its line; `None` if it is not in
    /// the log. Turns are queued in the order of their lines.
    pub fn enqueue_turn(&self, record: TurnRecord, position: Option<LogPosition>) {
        self.outbox.add(usize::from(record.usage_record.is_some()));
        self.turn_writer.enqueue(record, position);
    }

    /// Stores turns at once: those that are only in the session log after a crash.
    pub async fn store_turns(&self, turns: &[(TurnRecord, Option<LogPosition>)]) -> Result<(), StorageFailure> {
        for batch in turns.chunks(RECOVERY_BATCH) {
            self.turns.insert(batch, false).await?;
            self.outbox.add(batch.iter().filter(|(turn, _)| turn.usage_record.is_some()).count());
            self.outbox.notify();
        }
        Ok(())
    }

    /// Returns the positions in the session log up to which all turns are stored, one for each of the latest seven days.
    pub async fn log_positions(&self) -> Result<Vec<LogPosition>, StorageFailure> {
        log_positions::fetch(&self.read, &self.turns.log).await
    }

    /// Stores that all turns up to a position in the session log are stored.
    pub async fn set_log_position(&self, position: LogPosition) -> Result<(), StorageFailure> {
        log_positions::set(&self.write, &self.turns.log, position).await
    }
}

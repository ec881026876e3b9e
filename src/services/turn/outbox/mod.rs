//! The outbox of usage records for Papita: a queue in the database, and a task that posts its records.
//!
//! Records survive restarts and outages, and no request waits for them to be posted. Several are posted at a time, those
//! of one session in the order of its turns.

mod backlog;
mod fill_level;
mod pace;
mod sender;

use std::sync::Arc;

use self::{fill_level::FillLevel, sender::OutboxSender};
use crate::{
    adapters::{storage::Storage, usage::UsageLog},
    foundation::tasks::Tasks,
};

/// A handle to the outbox, for code that adds records. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct UsageOutbox {
    storage: Storage,
    limit: u64,
    level: Arc<FillLevel>,
}

impl UsageOutbox {
    /// Starts the task that posts the records. At most `limit` records wait.
    pub(super) fn start(storage: Storage, usage_log: UsageLog, limit: u64, tasks: &Tasks) -> Self {
        let sender = OutboxSender::new(storage.clone(), usage_log);
        tasks.spawn("usage delivery", sender.run(tasks.stopping()));
        Self { storage, limit, level: Arc::default() }
    }

    /// Whether there is room for one more record. If not, the turn's record must be stored as dropped.
    pub(super) fn admit(&self) -> bool {
        let waiting = self.waiting();
        self.level.note(waiting, self.limit);
        let has_room = waiting < self.limit;
        if !has_room && (self.dropped() + 1).is_multiple_of(1000) {
            tracing::error!(
                dropped = self.dropped() + 1,
                "usage records are dropped, because too many wait for Papita"
            );
        }
        has_room
    }

    /// Returns the number of records that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.storage.outbox_count()
    }

    /// Returns the number of records dropped since the database was made.
    pub(super) fn dropped(&self) -> u64 {
        self.storage.outbox_dropped()
    }
}

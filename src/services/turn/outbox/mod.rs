//! The outboxes: queues in the database, each with a task that posts its records: usage records to Papita, events to the
//! owner's receiver.
//!
//! Records survive restarts and outages, and no request waits for them to be posted. Several are posted at a time, those
//! of one session in the order in which they were added. The outboxes share nothing but the database, so that a receiver that
//! is away does not delay the other one.

mod backlog;
mod expiry;
mod pace;
mod receiver;
mod sender;

use self::sender::OutboxSender;
pub(super) use self::{expiry::run_expiry, receiver::Receiver};
use crate::{adapters::storage::Storage, foundation::tasks::Tasks};

/// Starts the task that posts the records for a receiver.
pub(super) fn start_sender(storage: &Storage, receiver: Receiver, tasks: &Tasks) {
    let name = receiver.lease();
    tasks.spawn(name, OutboxSender::new(storage.clone(), receiver).run(tasks.stopping()));
}

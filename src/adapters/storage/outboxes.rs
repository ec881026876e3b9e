//! The outboxes of all destinations, to which turns and other events add records in one transaction with their other rows.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::{
    database::{Pool, Transaction},
    database_time::DatabaseTime,
    failure::StorageFailure,
    outbox::{Outbox, OutboxLimits},
    outbox_counter::{OutboxCounter, StoredRecords},
    outbox_destination::Destination,
    outbox_entry::{AddressedEntry, OutboxCount},
};

/// The outboxes. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Outboxes([Outbox; 2]);

/// The locked counts of all outboxes: while this exists, nobody else changes or counts the database's records.
pub(super) struct StoredOutboxes<'a>([(&'a Outbox, MutexGuard<'a, StoredRecords>); 2]);

impl Outboxes {
    /// Counts the records in the database.
    pub(super) async fn open(
        limits: OutboxLimits,
        write: &Pool,
        read: &Pool,
        time: &DatabaseTime,
    ) -> Result<Self, StorageFailure> {
        let open = async |destination: Destination, limit: Option<u64>| {
            let counter = Arc::new(OutboxCounter::open(destination, read).await?);
            let (write, read, time, level) = (write.clone(), read.clone(), time.clone(), Arc::default());
            Ok::<_, StorageFailure>(Outbox { destination, limit, write, read, counter, level, time })
        };
        let papita = open(Destination::Papita, Some(limits.papita)).await?;
        Ok(Self([papita, open(Destination::Events, limits.events).await?]))
    }

    /// Returns the outbox of a destination.
    pub(super) fn of(&self, destination: Destination) -> &Outbox {
        let [papita, events] = &self.0;
        match destination {
            Destination::Papita => papita,
            Destination::Events => events,
        }
    }

    /// Counts entries that are about to be written.
    pub(super) fn add<'a>(&self, entries: &(impl Iterator<Item = AddressedEntry<'a>> + Clone)) {
        for outbox in &self.0 {
            outbox.counter.add(OutboxCount::of(outbox.destination, entries.clone()));
        }
    }

    /// Subtracts entries that could not be written and are given up.
    pub(super) fn give_up<'a>(&self, entries: &(impl Iterator<Item = AddressedEntry<'a>> + Clone)) {
        for outbox in &self.0 {
            outbox.counter.give_up(OutboxCount::of(outbox.destination, entries.clone()));
        }
    }

    /// Waits until nobody else changes or counts the database's records.
    pub(super) async fn stored(&self) -> StoredOutboxes<'_> {
        let [papita, events] = &self.0;
        StoredOutboxes([(papita, papita.counter.stored().await), (events, events.counter.stored().await)])
    }
}

impl StoredOutboxes<'_> {
    /// Adds entries that have been written, and notifies the readers of their outboxes.
    pub(super) fn add<'a>(&mut self, entries: &(impl Iterator<Item = AddressedEntry<'a>> + Clone)) {
        for (outbox, stored) in &mut self.0 {
            let written = OutboxCount::of(outbox.destination, entries.clone());
            stored.add(written);
            if written.records > 0 {
                outbox.counter.notify();
            }
        }
    }

    /// Counts the records in the database anew.
    pub(super) async fn recount(&mut self, read: &Pool) -> Result<(), StorageFailure> {
        for (outbox, stored) in &mut self.0 {
            outbox.counter.recount(stored, read).await?;
        }
        Ok(())
    }
}

/// Adds entries to the tables of the outboxes, in their order.
pub(super) async fn insert<'a>(
    transaction: &mut Transaction,
    entries: &(impl Iterator<Item = AddressedEntry<'a>> + Clone),
) -> Result<(), StorageFailure> {
    for destination in [Destination::Papita, Destination::Events] {
        let own = entries.clone().filter(|(of, _)| *of == destination);
        let records = own.clone().filter_map(|(_, entry)| entry.queued()).collect::<Vec<_>>();
        let statements = destination.statements();
        statements
            .insert
            .execute(&mut *transaction, records.into_iter(), |statement, record| {
                statement
                    .bind(record.map(|record| record.key.as_str()))
                    .bind(record.map(|record| record.body.as_str()))
                    .bind(record.and_then(|record| record.expires_at))
            })
            .await?;
        destination.add_dropped(transaction, OutboxCount::of(destination, own).dropped).await?;
    }
    Ok(())
}

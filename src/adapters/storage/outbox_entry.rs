//! What is put into an outbox.

use std::fmt;

use super::outbox_destination::Destination;

/// A record that is to be put into an outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The text by which the destination recognizes a record that it gets twice.
    pub(super) key: String,
    /// The record as JSON.
    pub(super) body: String,
    /// The retention time, in microseconds, from which it is not sent any more.
    pub(super) expires_at: Option<i64>,
}

impl fmt::Debug for NewRecord {
    /// Leaves the record out, which may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The change of an outbox by one turn or event: a record, the count of a dropped record, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxEntry {
    /// Nothing.
    NotDue,
    /// A record.
    Queued(NewRecord),
    /// Only the count of a dropped record, because the outbox is full.
    Dropped,
}

impl OutboxEntry {
    /// Returns the record if the outbox takes it.
    pub(super) fn queued(&self) -> Option<&NewRecord> {
        if let Self::Queued(record) = self { Some(record) } else { None }
    }

    /// Returns the numbers of records that are taken, and that are dropped.
    pub(super) fn count(&self) -> OutboxCount {
        match self {
            Self::NotDue => OutboxCount::default(),
            Self::Queued(_) => OutboxCount { records: 1, dropped: 0 },
            Self::Dropped => OutboxCount { records: 0, dropped: 1 },
        }
    }

    /// Replaces the JSON of the record, if there is one.
    pub fn change_body(&mut self, change: impl FnOnce(String) -> String) {
        if let Self::Queued(record) = self {
            record.body = change(std::mem::take(&mut record.body));
        }
    }
}

/// An entry with the outbox that it is for.
pub(super) type AddressedEntry<'a> = (Destination, &'a OutboxEntry);

/// Numbers of records in an outbox, and of dropped ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OutboxCount {
    pub(super) records: u64,
    pub(super) dropped: u64,
}

impl OutboxCount {
    /// Adds the entries for one destination.
    pub(super) fn of<'a>(destination: Destination, entries: impl Iterator<Item = AddressedEntry<'a>>) -> Self {
        let own = entries.filter(|(of, _)| *of == destination).map(|(_, entry)| entry.count());
        own.fold(Self::default(), |sum, one| Self {
            records: sum.records + one.records,
            dropped: sum.dropped + one.dropped,
        })
    }
}

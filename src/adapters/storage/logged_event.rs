//! The events of the session log that the database stores, too.

use super::{
    logged_feedback::LoggedFeedback,
    outbox_destination::Destination,
    outbox_entry::{AddressedEntry, OutboxEntry},
    settled_key::SettledKey,
    turn_record::TurnRecord,
};
use crate::domain::{log_position::LogEnd, session::SessionId};

/// An event of the session log, as the database stores it.
#[derive(Clone, Debug)]
pub enum LoggedEvent {
    /// The process has started: only the position is stored.
    Start,
    /// A turn has ended.
    Turn(Box<TurnRecord>),
    /// The stop of a session is in the log.
    SessionStop {
        /// The session.
        id: SessionId,
        /// The event that the session has ended.
        event: OutboxEntry,
    },
    /// The caller of a turn has rated its answer.
    Feedback(Box<LoggedFeedback>),
    /// The turn of an idempotency key has ended; the key could not be settled at once.
    KeySettled(Box<SettledKey>),
}

/// An event, and the end of the session log after its line; `None` for a turn that is not in the log, and for keys.
pub(super) type PositionedEvent = (LoggedEvent, Option<LogEnd>);

/// Returns whether the event is a turn whose line could not be written.
pub(super) fn is_unlogged_turn((event, end): &PositionedEvent) -> bool {
    end.is_none() && event.turn().is_some()
}

impl LoggedEvent {
    /// Returns the record of a turn.
    pub(super) fn turn(&self) -> Option<&TurnRecord> {
        match self {
            Self::Turn(record) => Some(record),
            Self::Start | Self::SessionStop { .. } | Self::Feedback(_) | Self::KeySettled(_) => None,
        }
    }

    /// Returns the feedback.
    pub(super) fn feedback(&self) -> Option<&LoggedFeedback> {
        match self {
            Self::Feedback(feedback) => Some(feedback),
            Self::Start | Self::Turn(_) | Self::SessionStop { .. } | Self::KeySettled(_) => None,
        }
    }

    /// Returns what the event puts into outboxes.
    pub(super) fn outbox_entries(&self) -> impl Iterator<Item = AddressedEntry<'_>> + Clone {
        let entries = match self {
            Self::Turn(record) => record.outbox_entries().map(Some),
            Self::SessionStop { event, .. } => [Some((Destination::Events, event)), None],
            Self::Feedback(feedback) => [Some((Destination::Events, &feedback.event)), None],
            Self::Start | Self::KeySettled(_) => [None, None],
        };
        entries.into_iter().flatten()
    }
}

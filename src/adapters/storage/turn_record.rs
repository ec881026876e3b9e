//! The record of a turn that the database stores.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date};

use super::{
    outbox_destination::Destination,
    outbox_entry::{AddressedEntry, OutboxEntry},
    turn_origin::TurnOrigin,
};
use crate::{
    domain::{
        cost::{Cost, TokenUsage},
        log_position::LogPosition,
        session::SessionId,
    },
    foundation::trace::OpenSpan,
};

/// The result of one turn, for the usage totals, the session's statistics and the outboxes.
#[derive(Clone, Debug)]
pub struct TurnRecord {
    /// The time at which the turn ended, in [`Storage::session_time`](super::Storage::session_time).
    pub ended_at: Timestamp,
    /// The date of the turn's line in the session log.
    pub log_date: Date,
    /// The position of that line; `None` if it could not be written.
    pub line: Option<LogPosition>,
    /// The id of the request that the turn answered.
    pub request_id: String,
    /// The session that the client named, if any.
    pub session_id: Option<SessionId>,
    /// The name of the model that was called.
    pub model: String,
    /// The error code of the response; `None` for a turn that was answered.
    pub code: Option<Cow<'static, str>>,
    /// The tokens that the turn used.
    pub usage: TokenUsage,
    /// The cost of those tokens; zero where the model's price is not known.
    pub cost: Cost,
    /// The time from the request's arrival to the end of the turn.
    pub latency: Duration,
    /// The usage record for Papita.
    pub usage_record: OutboxEntry,
    /// The event that the turn has ended.
    pub event: OutboxEntry,
    /// The caller of the turn and what answered it, by which feedback is accepted; `None` for a turn that cannot be rated.
    pub origin: Option<TurnOrigin>,
    /// The span that ends when the turn is stored; `None` if the turn is not traced.
    pub span: Option<Arc<OpenSpan>>,
}

impl TurnRecord {
    /// Returns whether the turn ended without an answer.
    pub(super) fn failed(&self) -> bool {
        self.code.is_some()
    }

    /// Returns what the turn puts into outboxes.
    pub(super) fn outbox_entries(&self) -> [AddressedEntry<'_>; 2] {
        [(Destination::Papita, &self.usage_record), (Destination::Events, &self.event)]
    }
}

//! What receives the records of an outbox, and what its answers mean.

use std::time::Duration;

use crate::{
    adapters::{
        hooks::{self, EventFailure, EventReceiver, HookFailure},
        storage::{Destination, OutboxRecord},
        usage::{self, UsageLog},
    },
    foundation::{clock::Clock, http_client::Cause},
};

/// What receives the records of an outbox.
#[derive(Clone, Debug)]
pub(in crate::services::turn) enum Receiver {
    /// Papita's usage log.
    Papita(UsageLog),
    /// The owner's receiver of events.
    Events(EventReceiver, Clock),
}

/// A record that was not accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotAccepted {
    pub(super) failure: PostFailure,
    /// The time for which the receiver wants no record; `None` if it states none.
    pub(super) wait: Option<Duration>,
}

/// The reason why a record was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error(transparent)]
pub(super) enum PostFailure {
    Papita(usage::PostFailure),
    Events(HookFailure),
}

/// What a failure says of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// This process has no file descriptor left for a connection: nothing.
    NoDescriptors,
    /// There is no connection to it.
    Unreachable,
    /// Fewer posts at the same time may help.
    Overload,
    /// It refuses this one record.
    Refused,
    /// It wants no further records.
    Gone,
    /// A later attempt may succeed.
    Other,
}

impl Receiver {
    /// Returns the destination for which this receives records.
    pub(super) fn destination(&self) -> Destination {
        match self {
            Self::Papita(_) => Destination::Papita,
            Self::Events(..) => Destination::Events,
        }
    }

    /// Returns the name of the lease by which one replica sends.
    pub(super) fn lease(&self) -> &'static str {
        match self {
            Self::Papita(_) => "usage delivery",
            Self::Events(..) => "event delivery",
        }
    }

    /// Returns the name of the records in the diagnostics.
    pub(super) fn records(&self) -> &'static str {
        match self {
            Self::Papita(_) => "usage records for Papita",
            Self::Events(..) => "events",
        }
    }

    /// Returns the session of a record. Its records are sent in their order.
    pub(super) fn session_of(&self, body: &str) -> Option<String> {
        match self {
            Self::Papita(_) => usage::session_of(body),
            Self::Events(..) => hooks::session_of(body),
        }
    }

    /// Returns what the diagnostics show of a record that is dropped.
    pub(super) fn shown<'a>(&self, record: &'a OutboxRecord) -> &'a str {
        match self {
            Self::Papita(_) => &record.body,
            // Its data may be personal.
            Self::Events(..) => &record.key,
        }
    }

    /// Whether a receiver that refuses several records in a row counts as away. Papita does not.
    pub(super) fn may_refuse_all(&self) -> bool {
        matches!(self, Self::Events(..))
    }

    /// Sends one record.
    pub(super) async fn post(&self, record: &OutboxRecord) -> Result<(), NotAccepted> {
        match self {
            Self::Papita(usage_log) => {
                let posted = usage_log.post(&record.key, &record.body).await;
                posted.map_err(|failure| NotAccepted { failure: PostFailure::Papita(failure), wait: None })
            }
            Self::Events(receiver, clock) => {
                let posted = receiver.post(&record.key, clock.now().as_second(), &record.body).await;
                let not_accepted =
                    |EventFailure { failure, wait }| NotAccepted { failure: PostFailure::Events(failure), wait };
                posted.map_err(not_accepted)
            }
        }
    }
}

impl PostFailure {
    /// Returns what the failure says of the receiver.
    pub(super) fn kind(self) -> FailureKind {
        match self {
            Self::Papita(usage::PostFailure::NoDescriptors) => FailureKind::NoDescriptors,
            Self::Papita(usage::PostFailure::Unreachable) => FailureKind::Unreachable,
            Self::Papita(usage::PostFailure::Refused(_)) => FailureKind::Refused,
            Self::Papita(usage::PostFailure::Timeout | usage::PostFailure::Status(429 | 503 | 504)) => {
                FailureKind::Overload
            }
            Self::Papita(_) => FailureKind::Other,
            Self::Events(failure) => of_hook(failure),
        }
    }
}

/// The statuses of 4xx that are about the address, the secret or the moment, not about one event.
const OF_RECEIVER: [u16; 6] = [401, 403, 404, 405, 408, 425];

fn of_hook(failure: HookFailure) -> FailureKind {
    match failure {
        HookFailure::Connection(Cause::NoDescriptors) => FailureKind::NoDescriptors,
        HookFailure::Connection(_) | HookFailure::PrivateAddress => FailureKind::Unreachable,
        HookFailure::Timeout(_) | HookFailure::Status(429 | 502 | 503 | 504) => FailureKind::Overload,
        HookFailure::Status(410) => FailureKind::Gone,
        HookFailure::Status(status @ 400..=499) if !OF_RECEIVER.contains(&status) => FailureKind::Refused,
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_a_receiver_of_events_are_told_apart() {
        let kind = |status| PostFailure::Events(HookFailure::Status(status)).kind();
        for status in [400, 402, 409, 413, 415, 422, 451] {
            assert_eq!(kind(status), FailureKind::Refused, "{status}");
        }
        for status in [401, 403, 404, 405, 408, 425, 500, 501] {
            assert_eq!(kind(status), FailureKind::Other, "{status}");
        }
        for status in [429, 502, 503, 504] {
            assert_eq!(kind(status), FailureKind::Overload, "{status}");
        }
        assert_eq!(kind(410), FailureKind::Gone);
        let others = [
            (HookFailure::Redirect(307), FailureKind::Other),
            (HookFailure::Timeout(Duration::from_secs(1)), FailureKind::Overload),
            (HookFailure::Connection(Cause::Refused), FailureKind::Unreachable),
            (HookFailure::Connection(Cause::NoDescriptors), FailureKind::NoDescriptors),
        ];
        for (failure, expected) in others {
            assert_eq!(PostFailure::Events(failure).kind(), expected, "{failure}");
        }
    }
}

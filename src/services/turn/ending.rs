//! The way in which the answering of a turn ended.

use super::failure::TurnFailure;
use crate::domain::{chat::Finish, errors::Billing};

/// The end of the answering of a turn, before it is recorded.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) result: Result<Finish, TurnFailure>,
    /// Whether the answer was completed although all readers had left.
    pub(super) was_abandoned: bool,
}

impl Ending {
    /// Returns the failure of the turn. A turn that was answered after all readers had left is a failure, too.
    pub(super) fn failure(&self) -> Option<&TurnFailure> {
        self.result.as_ref().err().or(self.was_abandoned.then_some(&TurnFailure::ClientGone))
    }

    /// Returns the finish reason for the log.
    pub(super) fn finish(&self) -> Finish {
        match (self.failure(), &self.result) {
            (None, Ok(finish)) => *finish,
            (Some(failure), _) | (None, Err(failure)) => failure.kind().finish,
        }
    }

    /// Whether this service ended the call while the model was working: the turn was stopped, ran out of time, or lost
    /// its client.
    pub(super) fn has_cancelled_call(&self) -> bool {
        match &self.result {
            Ok(finish) => *finish == Finish::Stopped,
            Err(failure) => failure.kind().billing == Billing::Estimated,
        }
    }
}

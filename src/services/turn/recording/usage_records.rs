//! Usage records for Papita.

use crate::{
    adapters::{credentials::Credentials, model::basic, storage::UsageRecord, usage},
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
    services::turn::outbox::UsageOutbox,
};

/// Creates the usage records of turns, if Papita is expected to exist and the outbox has room.
#[derive(Debug)]
pub(in crate::services::turn) struct UsageRecords {
    credentials: Credentials,
    outbox: UsageOutbox,
}

impl UsageRecords {
    pub(in crate::services::turn) fn new(credentials: Credentials, outbox: UsageOutbox) -> Self {
        Self { credentials, outbox }
    }

    /// Creates the usage record of a turn. None is due for turns of the built-in responder, and for failed turns that
    /// took no tokens.
    pub(in crate::services::turn) fn make(
        &self,
        failed: bool,
        caller: &Caller,
        session: Option<&SessionId>,
        model: &str,
        tokens: TokenUsage,
    ) -> UsageRecord {
        let is_due = (!failed || tokens.total() > 0) && model != basic::NAME;
        if !is_due || !self.credentials.expects_papita() {
            return UsageRecord::NotDue;
        }
        if !self.outbox.admit() {
            return UsageRecord::Dropped;
        }
        usage::encode_record(caller, session, model, tokens).map_or(UsageRecord::NotDue, UsageRecord::Queued)
    }
}

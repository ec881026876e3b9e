//! The reservation of one turn in all scopes that limit it.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::turn_counts::TurnCounts;
use crate::{
    domain::limits::{Amounts, LimitReached, Reserved},
    services::turn::request::TurnRequest,
};

/// The reservation of a turn. When it is dropped, however the turn has ended, the turn is settled: at what is noted as used; at
/// what was reserved, if it has ended without a note while the model was asked, as by a panic; at nothing if the model was not
/// asked.
pub(in crate::services::turn) struct Reservation {
    counts: Arc<TurnCounts>,
    reserved: Reserved,
    used: Amounts,
}

impl Reservation {
    pub(super) fn new(counts: Arc<TurnCounts>, reserved: Reserved) -> Self {
        Self { counts, reserved, used: Amounts::default() }
    }

    /// Reserves the conversation as it is sent, when the model is about to be asked. Fails if it takes more than before, and a
    /// limit leaves no room for that.
    pub(super) fn begin_asking(
        &mut self,
        request: &TurnRequest,
        model: &str,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        let most = || self.counts.estimator.most(request, model);
        self.counts.usage.reserve_anew(&mut self.reserved, most, now)?;
        self.used = self.reserved.amounts();
        Ok(())
    }

    /// Notes what a turn has used at least and at most. It is settled at the most, within what was reserved.
    pub(in crate::services::turn) fn note_used_between(&mut self, least: Amounts, most: Amounts) {
        self.used = most.min_of_each(self.reserved.amounts()).max_of_each(least);
    }

    /// Notes what the turn has used.
    pub(in crate::services::turn) fn note_used(&mut self, used: Amounts) {
        self.used = used;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.counts.usage.settle(&self.reserved, self.used);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("reserved", &self.reserved)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

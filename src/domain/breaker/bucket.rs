//! Counts of turns and failures in short periods of time.

use std::time::Duration;

use super::{caller::CallerHash, failed_turn::FailureOrigin};

/// The length of one bucket. Turns are counted in buckets so that old ones can be dropped a few at a time.
pub(super) const BUCKET_TIME: Duration = Duration::from_secs(3);

/// The number of latest buckets over which the failure rate is computed: 30 seconds.
pub(super) const BUCKETS: usize = 10;

/// The minimum number of turns for a failure rate. A turn may have several attempts (`MODEL_RETRIES`).
pub(super) const MIN_TURNS: u32 = 5;

/// The minimum number of different callers whose turns failed, for the breaker to open.
const MIN_CALLERS: usize = 3;

/// The turns of one bucket of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// The index of the bucket, counted from the start of the circuit.
    pub(super) number: u64,
    pub(super) turns: u32,
    pub(super) failures: u32,
    pub(super) callers: FailedCallers,
}

/// The callers whose turns failed. A turn for which no connection could be opened, which no prompt can have caused, counts
/// as one caller.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailedCallers {
    /// The first few different callers. At most [`MIN_CALLERS`] are stored, which is enough.
    callers: [Option<CallerHash>; MIN_CALLERS],
    /// The number of turns without a connection.
    connection_failures: usize,
}

impl FailedCallers {
    pub(super) fn add(&mut self, origin: FailureOrigin) {
        match origin {
            FailureOrigin::Caller(caller) => {
                if let Some(slot) = self.callers.iter_mut().find(|slot| slot.is_none_or(|known| known == caller)) {
                    *slot = Some(caller);
                }
            }
            FailureOrigin::Connection => self.connection_failures += 1,
        }
    }

    fn add_all(&mut self, others: &Self) {
        for caller in others.callers.iter().flatten() {
            self.add(FailureOrigin::Caller(*caller));
        }
        self.connection_failures += others.connection_failures;
    }

    /// Returns whether there are at least [`MIN_CALLERS`].
    pub(super) fn are_enough(&self) -> bool {
        self.callers.iter().flatten().count() + self.connection_failures >= MIN_CALLERS
    }
}

/// The number of turns and failures, and the failed callers, in the latest [`BUCKETS`] buckets.
#[derive(Default)]
pub(super) struct RecentTurns {
    turns: u32,
    failures: u32,
    callers: FailedCallers,
}

impl RecentTurns {
    pub(super) fn add(&mut self, bucket: &Bucket) {
        self.turns += bucket.turns;
        self.failures += bucket.failures;
        self.callers.add_all(&bucket.callers);
    }

    /// Whether at least `rate` percent of the turns failed, of at least [`MIN_TURNS`] turns, and for at least
    /// [`MIN_CALLERS`] callers.
    pub(super) fn fails_too_often(&self, rate: u32) -> bool {
        let is_rate_high = rate > 0 && self.failures * 100 >= self.turns * rate;
        is_rate_high && self.turns >= MIN_TURNS && self.callers.are_enough()
    }
}

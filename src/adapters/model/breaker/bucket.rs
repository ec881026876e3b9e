//! Counts of turns and failures in short periods of time.

use std::time::Duration;

use super::caller::CallerHash;

/// The length of one bucket. Turns are counted in buckets so that old ones can be dropped a few at a time.
pub(super) const BUCKET_TIME: Duration = Duration::from_secs(3);

/// The number of latest buckets over which the failure rate is computed: 30 seconds.
pub(super) const BUCKETS: usize = 10;

/// The minimum number of turns for a failure rate. A turn may have several attempts (`MODEL_RETRIES`).
pub(super) const MIN_TURNS: u32 = 5;

/// The minimum number of different callers whose turns failed, for the breaker to open.
pub(super) const MIN_CALLERS: usize = 3;

/// The turns of one bucket of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// The index of the bucket, counted from the start of the circuit.
    pub(super) number: u64,
    pub(super) turns: u32,
    pub(super) failures: u32,
    /// The number of turns for which no connection could be opened, which no prompt can have caused.
    pub(super) connection_failures: usize,
    pub(super) callers: FailedCallers,
}

/// The first few different callers whose turns failed. At most [`MIN_CALLERS`] are stored, which is enough.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailedCallers([Option<CallerHash>; MIN_CALLERS]);

impl FailedCallers {
    pub(super) fn add(&mut self, caller: CallerHash) {
        if let Some(slot) = self.0.iter_mut().find(|slot| slot.is_none_or(|known| known == caller)) {
            *slot = Some(caller);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }

    fn iter(&self) -> impl Iterator<Item = CallerHash> {
        self.0.iter().flatten().copied()
    }
}

/// The number of turns and failures, and the failed callers, in the latest [`BUCKETS`] buckets.
#[derive(Default)]
pub(super) struct RecentTurns {
    turns: u32,
    failures: u32,
    connection_failures: usize,
    callers: FailedCallers,
}

impl RecentTurns {
    pub(super) fn add(&mut self, bucket: &Bucket) {
        self.turns += bucket.turns;
        self.failures += bucket.failures;
        self.connection_failures += bucket.connection_failures;
        bucket.callers.iter().for_each(|caller| self.callers.add(caller));
    }

    /// Whether at least `rate` percent of the turns failed, of at least [`MIN_TURNS`] turns, and for at least
    /// [`MIN_CALLERS`] callers. A turn that could open no connection counts as one caller.
    pub(super) fn fails_too_often(&self, rate: u32) -> bool {
        let callers = self.callers.count() + self.connection_failures;
        rate > 0 && self.turns >= MIN_TURNS && callers >= MIN_CALLERS && self.failures * 100 >= self.turns * rate
    }
}

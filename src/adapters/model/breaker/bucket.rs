//! Counts of turns and failures in short periods of time.

use std::time::Duration;

use super::caller::CallerHash;

/// The length of one bucket. Turns are counted in buckets so that old ones can be dropped a few at a time.
pub(super) const BUCKET_TIME: Duration = Duration::from_secs(3);

/// The number of buckets whose sum is judged: half a minute.
pub(super) const BUCKETS: usize = 10;

/// The fewest turns by which a model is judged. A turn may have several attempts (`MODEL_RETRIES`).
pub(super) const MIN_TURNS: u32 = 5;

/// The fewest different callers whose turns must have failed.
pub(super) const MIN_CALLERS: usize = 3;

/// The turns of one bucket of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// The number of the bucket since the start.
    pub(super) number: u64,
    pub(super) turns: u32,
    pub(super) failures: u32,
    /// Failures that no prompt can have caused.
    pub(super) connection_failures: usize,
    pub(super) callers: FailedCallers,
}

/// The first few different callers whose turns failed. More than [`MIN_CALLERS`] need not be told apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailedCallers([Option<CallerHash>; MIN_CALLERS]);

impl FailedCallers {
    pub(super) fn add(&mut self, caller: CallerHash) {
        if let Some(slot) = self.0.iter_mut().find(|slot| slot.is_none_or(|known| known == caller)) {
            *slot = Some(caller);
        }
    }

    fn iter(&self) -> impl Iterator<Item = CallerHash> {
        self.0.iter().flatten().copied()
    }
}

/// The sum of the last buckets.
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

    /// Whether at least `rate` percent of the turns failed, and turns and callers are enough to judge by.
    pub(super) fn fails_too_often(&self, rate: u32) -> bool {
        let callers = self.callers.iter().count() + self.connection_failures;
        rate > 0 && self.turns >= MIN_TURNS && callers >= MIN_CALLERS && self.failures * 100 >= self.turns * rate
    }
}

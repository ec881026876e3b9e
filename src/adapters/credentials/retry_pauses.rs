//! The pauses between calls to Papita that bring no usable key.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The number of short pauses after a refusal: 1, 2 and 4 seconds.
const SHORT_PAUSES: u32 = 3;

/// The pauses after calls to Papita that bring no usable key: `CREDENTIAL_RETRY`. After the model's provider has refused
/// a key, the first ones are shorter, because Papita often has the new key a moment later.
#[derive(Debug)]
pub(super) struct RetryPauses {
    usual: Duration,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    latest: Option<Instant>,
    /// The number of short pauses that remain.
    short: u32,
}

impl RetryPauses {
    /// `usual` is `CREDENTIAL_RETRY`.
    pub(super) fn new(usual: Duration) -> Self {
        Self { usual, refusals: Mutex::default() }
    }

    /// Notes that the provider has refused a key. If it is the first refusal for a while, the next pauses are short.
    pub(super) fn note_refusal(&self, now: Instant) {
        let mut refusals = self.lock();
        // With a local key, a key of Papita is tried, and refused, only after each pause.
        let is_first = refusals.latest.is_none_or(|latest| now.duration_since(latest) >= self.usual * 2);
        refusals.latest = Some(now);
        if is_first {
            refusals.short = SHORT_PAUSES;
        }
    }

    /// Notes that Papita has returned another key than the refused one.
    pub(super) fn note_other_key(&self) {
        *self.lock() = Refusals::default();
    }

    /// Returns the pause after a call that brought no usable key.
    pub(super) fn next(&self) -> Duration {
        let mut refusals = self.lock();
        let Some(remaining) = refusals.short.checked_sub(1) else { return self.usual };
        refusals.short = remaining;
        self.usual.min(Duration::from_secs(1 << (SHORT_PAUSES - 1 - remaining)))
    }

    fn lock(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(10);

    fn next(pauses: &RetryPauses, count: usize) -> Vec<u64> {
        (0..count).map(|_| pauses.next().as_secs()).collect()
    }

    #[test]
    fn the_first_pauses_after_a_refusal_are_short() {
        let (pauses, start) = (RetryPauses::new(USUAL), Instant::now());
        assert_eq!(next(&pauses, 2), [10, 10]);
        pauses.note_refusal(start);
        assert_eq!(next(&pauses, 2), [1, 2]);
        pauses.note_refusal(start + Duration::from_secs(3));
        assert_eq!(next(&pauses, 3), [4, 10, 10], "the refusals go on");
        pauses.note_refusal(start + Duration::from_secs(3) + USUAL * 2);
        assert_eq!(next(&pauses, 1), [1], "a later refusal");
        pauses.note_other_key();
        pauses.note_refusal(start + Duration::from_secs(4) + USUAL * 2);
        assert_eq!(next(&pauses, 2), [1, 2], "a refusal of another key");
    }

    #[test]
    fn no_pause_is_longer_than_the_usual_one() {
        let pauses = RetryPauses::new(Duration::from_millis(1500));
        pauses.note_refusal(Instant::now());
        assert_eq!([pauses.next(), pauses.next()].map(|pause| pause.as_millis()), [1000, 1500]);
    }
}

//! The counters of all visitors and addresses, in memory.
//!
//! The number of counters is bounded. Those whose windows are over are dropped. Where that is not enough, because of a flood
//! of made-up visitors, the counters with the least usage of the day are dropped: what is forgotten then is what those few
//! turns used, and not what anybody near a limit used.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::fast::RandomState;
use jiff::Timestamp;

use super::{
    amounts::Amounts,
    counter::{Counter, Shared, Windows},
    key::LimitKey,
    window_count::Unshared,
};
use crate::foundation::config::LimitWindow;

/// The number of parts, each with a lock of its own.
const PARTS: usize = 64;

/// The most counters of a part.
const MAX_PART: usize = 2048;

/// The most counters, which occupy some 50 MB.
pub const MAX_COUNTERS: usize = PARTS * MAX_PART;

/// A counter in memory. Those who have one keep it from being dropped, so that a turn settles where it was reserved.
pub(super) type SharedCounter = Arc<Mutex<Counter>>;

/// Keys are hashes by a secret or names from the settings, so nobody can choose them to collide, and a fast hash is enough.
type Part = HashMap<LimitKey, SharedCounter, RandomState>;

/// The counters. Whoever locks a part may lock counters of it, and not the other way round.
#[derive(Debug)]
pub(super) struct Counts {
    hasher: RandomState,
    parts: [Mutex<Part>; PARTS],
}

impl Default for Counts {
    fn default() -> Self {
        Self { hasher: RandomState::default(), parts: std::array::from_fn(|_| Mutex::default()) }
    }
}

/// What the database is to be told of one window of a counter.
#[derive(Clone, Copy, Debug)]
pub struct CountNews {
    /// Whose usage it is.
    pub key: LimitKey,
    /// The window.
    pub window: LimitWindow,
    /// What the database does not know; zero if only the sum of other replicas is wanted, because a turn was refused.
    pub unshared: Unshared,
}

impl Counts {
    /// Returns the counter of a key, if there is one.
    pub(super) fn find(&self, key: LimitKey) -> Option<SharedCounter> {
        self.part(key).get(&key).map(Arc::clone)
    }

    /// Returns the counter of a key, a new one if there is none.
    pub(super) fn get_or_insert(&self, key: LimitKey, now: Timestamp) -> SharedCounter {
        let mut part = self.part(key);
        if let Some(counter) = part.get(&key) {
            return Arc::clone(counter);
        }
        if part.len() >= MAX_PART {
            make_room(&mut part, now);
        }
        Arc::clone(part.entry(key).or_default())
    }

    fn part(&self, key: LimitKey) -> MutexGuard<'_, Part> {
        let [first, others @ ..] = &self.parts;
        let index = usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or_default();
        locked(index.checked_sub(1).and_then(|index| others.get(index)).unwrap_or(first))
    }

    /// Returns what the database is to be told of these windows, and drops counters whose windows are over. `with_refused`:
    /// also of counters that have refused a turn.
    pub(super) fn news(&self, windows: &[LimitWindow], with_refused: bool, now: Timestamp) -> Vec<CountNews> {
        let mut news = Vec::new();
        for part in &self.parts {
            locked(part).retain(|key, shared| {
                let counter = locked(shared);
                let wants_sum = with_refused && counter.has_refused();
                for window in windows {
                    let unshared = counter.unshared(*window, now);
                    if wants_sum || !unshared.is_zero() {
                        news.push(CountNews { key: *key, window: *window, unshared });
                    }
                }
                !counter.is_empty(now) || is_in_use(shared)
            });
        }
        news
    }

    /// Calls a function with each counter. The part of each is locked meanwhile.
    pub(super) fn for_each(&self, mut visit: impl FnMut(LimitKey, &Counter)) {
        for part in &self.parts {
            for (key, counter) in &*locked(part) {
                visit(*key, &locked(counter));
            }
        }
    }

    /// Takes decreases as done that the database may have heard of.
    pub(super) fn assume_decreased(&self, told: &[CountNews], now: Timestamp) {
        for CountNews { key, window, unshared } in told {
            if let Some(counter) = self.find(*key) {
                locked(&counter).assume_decreased(Windows::at(now), *window, *unshared);
            }
        }
    }

    /// Takes the sum that the database has of a window.
    pub(super) fn share(&self, key: LimitKey, shared: Shared, now: Timestamp) {
        if let Some(counter) = self.find(key) {
            locked(&counter).share(Windows::at(now), shared);
        }
    }

    /// Sets the sum of a window when this process begins.
    pub(super) fn begin(&self, key: LimitKey, now: Timestamp, window: LimitWindow, sum: Amounts) {
        locked(&self.get_or_insert(key, now)).begin(Windows::at(now), window, sum);
    }
}

/// Drops the counters whose windows are over; if these are few, the tenth of all that has used least today.
fn make_room(part: &mut Part, now: Timestamp) {
    part.retain(|_, counter| is_in_use(counter) || !locked(counter).is_empty(now));
    if part.len() < MAX_PART * 9 / 10 {
        return;
    }
    let droppable = part.iter().filter(|(_, counter)| !is_in_use(counter)).filter_map(|(key, counter)| {
        let counter = locked(counter);
        (!counter.is_held(now)).then(|| (counter.used_today(now), *key))
    });
    let mut used = droppable.collect::<Vec<_>>();
    let dropped = (MAX_PART / 10).min(used.len());
    if dropped < used.len() {
        used.select_nth_unstable(dropped);
    }
    for (_, key) in used.iter().take(dropped) {
        part.remove(key);
    }
}

/// Whether a turn has the counter. To be called while its part is locked: only then can another turn get it.
fn is_in_use(counter: &SharedCounter) -> bool {
    Arc::strong_count(counter) > 1
}

/// Locks a part or a counter.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::limits::{group::LimitGroup, scope::LimitScope, test_counts::noon};

    fn key(hash: u128) -> LimitKey {
        LimitKey { group: LimitGroup { scope: LimitScope::Visitor, tenant: None }, hash }
    }

    fn count(counts: &Counts, hash: u128, used: u64, now: Timestamp) {
        let (amounts, windows) = (Amounts { turns: 1, tokens: used, cost: 0 }, Windows::at(now));
        let counter = counts.get_or_insert(key(hash), now);
        locked(&counter).reserve(windows, amounts);
        locked(&counter).settle(windows, amounts, amounts);
    }

    fn used(counts: &Counts, hash: u128, now: Timestamp) -> u64 {
        counts.find(key(hash)).map_or(0, |counter| locked(&counter).used_today(now).tokens)
    }

    fn size(counts: &Counts) -> usize {
        counts.parts.iter().map(|part| locked(part).len()).sum()
    }

    #[test]
    fn a_flood_of_visitors_forgets_none_of_those_near_a_limit() {
        let counts = Counts::default();
        for greedy in 0..1000 {
            count(&counts, greedy, 5000, noon());
        }
        for made_up in 0..2 * MAX_COUNTERS as u128 {
            count(&counts, 1_000_000 + made_up, 10, noon());
        }
        assert!(size(&counts) <= MAX_COUNTERS, "{}", size(&counts));
        assert!((0..1000).all(|greedy| used(&counts, greedy, noon()) == 5000));
    }

    #[test]
    fn counters_of_running_turns_stay() {
        let (counts, one) = (Counts::default(), Amounts { turns: 1, ..Amounts::default() });
        locked(&counts.get_or_insert(key(0), noon())).reserve(Windows::at(noon()), one);
        let in_use = counts.get_or_insert(key(1), noon());
        for made_up in 0..MAX_COUNTERS as u128 + 20_000 {
            count(&counts, 2 + made_up, 10, noon());
        }
        counts.news(&LimitWindow::ALL, false, noon());
        assert!(counts.find(key(0)).is_some());
        assert!(counts.find(key(1)).is_some_and(|counter| Arc::ptr_eq(&counter, &in_use)));
    }

    #[test]
    fn counters_whose_windows_are_over_are_dropped() {
        let counts = Counts::default();
        count(&counts, 1, 10, noon());
        count(&counts, 2, 10, noon());
        let windows = LimitWindow::ALL;
        assert_eq!(counts.news(&windows, false, noon()).len(), 4);
        assert_eq!(size(&counts), 2);
        let later = noon() + SignedDuration::from_hours(24);
        count(&counts, 2, 10, later);
        assert_eq!(counts.news(&windows, false, later).len(), 2);
        assert_eq!((size(&counts), used(&counts, 2, later)), (1, 10));
    }
}

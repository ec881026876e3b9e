//! The counters of all visitors and addresses, in memory.
//!
//! The number of counters is bounded. Those whose windows are over are dropped. Where that is not enough, because of a flood
//! of made-up visitors, the counters with the least usage of the day are dropped: what is forgotten then is what those few
//! turns used, and not what anybody near a limit used.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{Mutex, MutexGuard, PoisonError},
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

/// Keys are hashes by a secret or names from the settings, so nobody can choose them to collide, and a fast hash is enough.
type Part = HashMap<LimitKey, Counter, RandomState>;

/// The counters.
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

/// Counters that are locked together.
pub(super) struct Locked<'a> {
    counts: &'a Counts,
    parts: Vec<(usize, MutexGuard<'a, Part>)>,
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
    /// Locks the counters of these keys, always in the same order, so that two turns never wait for each other.
    pub(super) fn lock(&self, keys: impl Iterator<Item = LimitKey>) -> Locked<'_> {
        let mut parts = keys.map(|key| self.part_of(key)).collect::<Vec<_>>();
        parts.sort_unstable();
        parts.dedup();
        let locked = parts.into_iter().filter_map(|part| Some((part, locked(self.parts.get(part)?))));
        Locked { counts: self, parts: locked.collect() }
    }

    fn part_of(&self, key: LimitKey) -> usize {
        usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or_default()
    }

    /// Returns what the database is to be told of these windows, and drops counters whose windows are over. `with_refused`:
    /// also of counters that have refused a turn.
    pub(super) fn news(&self, windows: &[LimitWindow], with_refused: bool, now: Timestamp) -> Vec<CountNews> {
        let mut news = Vec::new();
        for part in &self.parts {
            locked(part).retain(|key, counter| {
                let wants_sum = with_refused && counter.has_refused();
                for window in windows {
                    let unshared = counter.unshared(*window, now);
                    if wants_sum || !unshared.is_zero() {
                        news.push(CountNews { key: *key, window: *window, unshared });
                    }
                }
                !counter.is_empty(now)
            });
        }
        news
    }

    /// Calls a function with each counter. The part of each is locked meanwhile.
    pub(super) fn for_each(&self, mut visit: impl FnMut(LimitKey, &Counter)) {
        for part in &self.parts {
            for (key, counter) in &*locked(part) {
                visit(*key, counter);
            }
        }
    }

    /// Takes decreases as done that the database may have heard of.
    pub(super) fn assume_decreased(&self, told: &[CountNews], now: Timestamp) {
        for CountNews { key, window, unshared } in told {
            if let Some(counter) = self.lock([*key].into_iter()).find(*key) {
                counter.assume_decreased(Windows::at(now), *window, *unshared);
            }
        }
    }

    /// Takes the sum that the database has of a window.
    pub(super) fn share(&self, key: LimitKey, shared: Shared, now: Timestamp) {
        if let Some(counter) = self.lock([key].into_iter()).find(key) {
            counter.share(Windows::at(now), shared);
        }
    }

    /// Sets the sum of a window when this process begins.
    pub(super) fn begin(&self, key: LimitKey, now: Timestamp, window: LimitWindow, sum: Amounts) {
        self.lock([key].into_iter()).change(key, now, |counter| counter.begin(Windows::at(now), window, sum));
    }
}

impl Locked<'_> {
    /// Returns the counter of a key as it is; a new one if there is none.
    pub(super) fn get(&mut self, key: LimitKey) -> Counter {
        self.find(key).copied().unwrap_or_default()
    }

    /// Returns the counter of a key, if there is one.
    pub(super) fn find(&mut self, key: LimitKey) -> Option<&mut Counter> {
        self.part(key)?.get_mut(&key)
    }

    /// Changes the counter of a key, one of those that were locked. It is inserted if there is none.
    pub(super) fn change(&mut self, key: LimitKey, now: Timestamp, change: impl FnOnce(&mut Counter)) {
        let Some(part) = self.part(key) else { return };
        if part.len() >= MAX_PART && !part.contains_key(&key) {
            make_room(part, now);
        }
        change(part.entry(key).or_default());
    }

    fn part(&mut self, key: LimitKey) -> Option<&mut Part> {
        let index = self.counts.part_of(key);
        self.parts.iter_mut().find(|(part, _)| *part == index).map(|(_, part)| &mut **part)
    }
}

/// Drops the counters whose windows are over; if these are few, the tenth of all that has used least today.
fn make_room(part: &mut Part, now: Timestamp) {
    part.retain(|_, counter| !counter.is_empty(now));
    if part.len() < MAX_PART * 9 / 10 {
        return;
    }
    let droppable = part.iter().filter(|(_, counter)| !counter.is_held(now));
    let mut used = droppable.map(|(key, counter)| (counter.used_today(now), *key)).collect::<Vec<_>>();
    let dropped = (MAX_PART / 10).min(used.len());
    if dropped < used.len() {
        used.select_nth_unstable(dropped);
    }
    for (_, key) in used.iter().take(dropped) {
        part.remove(key);
    }
}

fn locked(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::limits::{group::LimitGroup, scope::LimitScope};

    fn key(hash: u128) -> LimitKey {
        LimitKey { group: LimitGroup { scope: LimitScope::Visitor, tenant: None }, hash }
    }

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn count(counts: &Counts, hash: u128, used: u64, now: Timestamp) {
        let (amounts, windows) = (Amounts { turns: 1, tokens: used, cost: 0 }, Windows::at(now));
        let mut locked = counts.lock([key(hash)].into_iter());
        locked.change(key(hash), now, |counter| {
            counter.reserve(windows, amounts);
            counter.settle(windows, amounts, amounts);
        });
    }

    fn used(counts: &Counts, hash: u128, now: Timestamp) -> u64 {
        counts.lock([key(hash)].into_iter()).get(key(hash)).used_today(now).tokens
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
        counts.lock([key(0)].into_iter()).change(key(0), noon(), |counter| counter.reserve(Windows::at(noon()), one));
        for made_up in 0..MAX_COUNTERS as u128 + 20_000 {
            count(&counts, 1 + made_up, 10, noon());
        }
        assert!(counts.lock([key(0)].into_iter()).find(key(0)).is_some());
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

    #[test]
    fn keys_of_one_part_are_locked_once() {
        let counts = Counts::default();
        let keys = (0..1000).map(key).collect::<Vec<_>>();
        let mut locked = counts.lock(keys.iter().copied());
        assert!(locked.parts.is_sorted_by_key(|(part, _)| *part) && locked.parts.len() <= PARTS);
        assert_eq!(locked.get(keys[7]), Counter::default());
    }
}

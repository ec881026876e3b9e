//! The number of different texts in a bounded number of bytes.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use cardinality_estimator::CardinalityEstimator;

/// The number up to which different texts are counted exactly.
pub(super) const EXACT: usize = 2000;

/// The standard error of larger numbers, relative to the number: 1.04 / √(2 ^ `PRECISION`).
pub(super) const ERROR: f64 = 0.008_125;

/// The number of bits that choose one of the estimate's registers.
const PRECISION: usize = 14;

type Estimator = CardinalityEstimator<u64, DefaultHasher, PRECISION, 6>;

/// A set of texts of which only the number of members is known: by their hashes, or by an estimate (HyperLogLog++) of many.
#[derive(Debug)]
pub(super) enum Distinct {
    /// Hashes, some of them several times. A list is smaller and faster than a set for the few of most groups.
    Exact(Vec<u64>),
    Estimate(Box<Estimator>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distinct {
    pub(super) fn add(&mut self, item: impl Hash) {
        self.add_hash(hash(item));
    }

    fn add_hash(&mut self, hash: u64) {
        match self {
            // Turns of one session often follow each other.
            Self::Exact(hashes) if hashes.last() == Some(&hash) => {}
            Self::Exact(hashes) => {
                if hashes.len() == hashes.capacity() {
                    remove_repeated(hashes);
                }
                if hashes.len() > EXACT {
                    *self = Self::Estimate(Box::new(estimator(hashes)));
                    self.add_hash(hash);
                } else {
                    hashes.push(hash);
                }
            }
            Self::Estimate(estimator) => estimator.insert_hash(hash),
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        match (&mut *self, next) {
            (_, Self::Exact(hashes)) => hashes.into_iter().for_each(|hash| self.add_hash(hash)),
            (Self::Exact(hashes), Self::Estimate(mut next)) => {
                next.merge(&estimator(hashes));
                *self = Self::Estimate(next);
            }
            (Self::Estimate(estimator), Self::Estimate(next)) => estimator.merge(&next),
        }
    }

    /// Returns whether the number is an estimate.
    pub(super) fn is_estimate(&self) -> bool {
        matches!(self, Self::Estimate(_))
    }

    /// Returns the number of different texts.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.iter().collect::<HashSet<_>>().len() as u64,
            Self::Estimate(estimator) => estimator.estimate() as u64,
        }
    }
}

/// Removes hashes that are there more than once, and makes room for as many again. The order is lost.
fn remove_repeated(hashes: &mut Vec<u64>) {
    hashes.sort_unstable();
    hashes.dedup();
    // Doubled, so that sorting again and again does not cost more than it saves.
    hashes.reserve(hashes.len().max(4));
}

/// Returns the hash of an item. The hasher's keys are constant, so that equal logs have equal reports.
pub(super) fn hash(item: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}

fn estimator(hashes: &[u64]) -> Estimator {
    let mut estimator = Estimator::new();
    for hash in hashes {
        estimator.insert_hash(*hash);
    }
    estimator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: std::ops::Range<u32>) -> Distinct {
        let mut distinct = Distinct::default();
        for name in names {
            distinct.add(format!("session_{name}"));
            distinct.add(format!("session_{name}"));
        }
        distinct
    }

    fn assert_near(found: u64, expected: u32) {
        let allowed = if expected as usize <= EXACT { 0.0 } else { 4.0 * ERROR * f64::from(expected) };
        let found = f64::from(u32::try_from(found).unwrap());
        assert!((found - f64::from(expected)).abs() <= allowed, "{found} instead of {expected}");
    }

    #[test]
    fn few_are_exact_and_many_near() {
        for count in [0, 1, 2000, 2001, 10_000, 200_000] {
            assert_near(of(0..count).count(), count);
        }
    }

    #[test]
    fn parts_are_joined_in_any_state() {
        for (first, second) in [(10, 20), (10, 5000), (5000, 10), (30_000, 40_000), (1500, 1500)] {
            let mut joined = of(0..first);
            joined.append(of(first / 2..first + second));
            assert_near(joined.count(), first + second);
        }
    }
}

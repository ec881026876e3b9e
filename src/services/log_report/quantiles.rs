//! Percentiles of durations in a bounded number of bytes.

use std::fmt;

use sketches_ddsketch::{Config, DDSketch};

/// The number of values up to which percentiles are exact.
pub(super) const EXACT_VALUES: usize = 100;

/// The largest error of a percentile beyond that, relative to the percentile.
pub(super) const ERROR: f64 = 0.01;

/// The most bins of a sketch: enough for 1 µs to 1 day at this error.
const MAX_BINS: u32 = 2048;

/// Durations below are not told apart, in milliseconds.
const MIN_MS: f64 = 0.001;

/// Durations in milliseconds: all of them, or a sketch of many. A sketch for each of many small groups would be large.
pub(super) enum Quantiles {
    Exact(Vec<f64>),
    Sketch(Box<DDSketch>),
}

impl fmt::Debug for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quantiles").field("max", &self.max()).finish_non_exhaustive()
    }
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Quantiles {
    pub(super) fn add(&mut self, ms: f64) {
        match self {
            Self::Exact(values) if values.len() < EXACT_VALUES => values.push(ms),
            Self::Exact(values) => {
                let values = std::mem::take(values);
                let mut sketch = DDSketch::new(Config::new(ERROR, MAX_BINS, MIN_MS));
                values.into_iter().chain([ms]).for_each(|ms| sketch.add(ms));
                *self = Self::Sketch(Box::new(sketch));
            }
            Self::Sketch(sketch) => sketch.add(ms),
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        match (&mut *self, next) {
            (_, Self::Exact(values)) => values.into_iter().for_each(|ms| self.add(ms)),
            (Self::Exact(_), sketch @ Self::Sketch(_)) => {
                let values = std::mem::replace(self, sketch);
                self.append(values);
            }
            // All sketches have the same bins, so they can be joined.
            (Self::Sketch(sketch), Self::Sketch(next)) => sketch.merge(&next).unwrap_or_default(),
        }
    }

    /// Returns the nearest-rank percentile: the shortest duration that this percentage of all durations does not exceed; `None`
    /// without durations.
    pub(super) fn percentile(&self, percent: usize) -> Option<f64> {
        match self {
            Self::Exact(values) => {
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                sorted.get(rank(sorted.len(), percent)).copied()
            }
            Self::Sketch(sketch) => {
                let part = part_of_rank(rank(sketch.count(), percent), sketch.count());
                let found = sketch.quantile(part).ok().flatten()?;
                // A sketch returns the middle of a bin, which may be beyond the values in it.
                Some(found.max(sketch.min()?).min(sketch.max()?))
            }
        }
    }

    pub(super) fn max(&self) -> Option<f64> {
        match self {
            Self::Exact(values) => values.iter().copied().max_by(f64::total_cmp),
            Self::Sketch(sketch) => sketch.max(),
        }
    }
}

/// Returns the nearest rank of a percentage, from 0.
fn rank(count: usize, percent: usize) -> usize {
    count.saturating_mul(percent).div_ceil(100).saturating_sub(1)
}

/// Returns the part for which a sketch returns the value at a rank: it takes the whole number below `part * (count - 1)`.
#[expect(clippy::cast_precision_loss, reason = "half a rank is more than what is lost below 2^50 values")]
fn part_of_rank(rank: usize, count: usize) -> f64 {
    ((rank as f64 + 0.5) / (count as f64 - 1.0)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u32>) -> Quantiles {
        let mut quantiles = Quantiles::default();
        values.for_each(|value| quantiles.add(f64::from(value)));
        quantiles
    }

    #[test]
    fn few_values_are_exact_and_many_within_the_error() {
        let few = of((1..=100).rev());
        assert_eq!([50, 95, 99, 100].map(|percent| few.percentile(percent)), [50.0, 95.0, 99.0, 100.0].map(Some));
        assert_eq!((Quantiles::default().percentile(50), Quantiles::default().max()), (None, None));
        let many = of((1..=100_000).map(|value| value * 7));
        for (percent, expected) in [(1, 7000.0), (50, 350_000.0), (95, 665_000.0), (99, 693_000.0), (100, 700_000.0)] {
            let found = many.percentile(percent).unwrap();
            assert!((found / expected - 1.0).abs() <= ERROR * 1.01, "{percent}: {found} instead of {expected}");
        }
        assert_eq!(many.max(), Some(700_000.0));
    }

    #[test]
    fn a_percentile_is_the_nearest_rank_within_the_values() {
        // One of ten is among the longest 10 %, so the 95th percentile is the longest one.
        let ten = of([10; 9].into_iter().chain([9000]));
        assert_eq!([50, 90, 95, 99].map(|percent| ten.percentile(percent)), [10.0, 10.0, 9000.0, 9000.0].map(Some));
        let two_of_200 = of((0..200).map(|number| if number < 198 { 10 } else { 9000 }));
        assert!(two_of_200.percentile(99).unwrap() < 11.0, "the 198th value");
        let three_of_200 = of((0..200).map(|number| if number < 197 { 10 } else { 9000 }));
        assert!(three_of_200.percentile(99).unwrap() > 8900.0, "the 198th value");
        let equal = of([300; 1000].into_iter());
        assert_eq!([1, 50, 99, 100].map(|percent| equal.percentile(percent)), [300.0; 4].map(Some));
    }

    #[test]
    fn parts_are_joined_in_any_state() {
        for (first, second) in [(10, 20), (10, 5000), (5000, 10), (3000, 4000), (0, 200), (200, 0)] {
            let mut joined = of(0..first);
            joined.append(of(first..first + second));
            let all = of(0..first + second);
            assert_eq!((joined.percentile(50), joined.max()), (all.percentile(50), all.max()), "{first} {second}");
        }
    }
}

//! Percentiles of durations in a bounded number of bytes.

use std::fmt;

use sketches_ddsketch::{Config, DDSketch};

/// The number of values up to which percentiles are exact.
const EXACT_VALUES: usize = 100;

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

    /// Returns the duration that a part of all durations does not exceed; `None` without durations.
    pub(super) fn get(&self, part: f64) -> Option<f64> {
        match self {
            Self::Exact(values) => exact(values, part),
            Self::Sketch(sketch) => sketch.quantile(part).ok().flatten(),
        }
    }

    pub(super) fn max(&self) -> Option<f64> {
        match self {
            Self::Exact(values) => values.iter().copied().max_by(f64::total_cmp),
            Self::Sketch(sketch) => sketch.max(),
        }
    }
}

/// Returns the value at the nearest lower rank, as the sketch does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a short list"
)]
fn exact(values: &[f64], part: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = part * values.len().checked_sub(1)? as f64;
    values.get(rank as usize).copied()
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
        assert_eq!([0.5, 0.95, 0.99, 1.0].map(|part| few.get(part)), [50.0, 95.0, 99.0, 100.0].map(Some));
        assert_eq!((Quantiles::default().get(0.5), Quantiles::default().max()), (None, None));
        let many = of((1..=100_000).map(|value| value * 7));
        for part in [0.01, 0.5, 0.95, 0.99] {
            let (found, expected) = (many.get(part).unwrap(), 700_000.0 * part);
            assert!((found / expected - 1.0).abs() <= ERROR * 1.01, "{part}: {found} instead of {expected}");
        }
        assert_eq!(many.max(), Some(700_000.0));
    }

    #[test]
    fn parts_are_joined_in_any_state() {
        for (first, second) in [(10, 20), (10, 5000), (5000, 10), (3000, 4000), (0, 200), (200, 0)] {
            let mut joined = of(0..first);
            joined.append(of(first..first + second));
            let all = of(0..first + second);
            assert_eq!((joined.get(0.5), joined.max()), (all.get(0.5), all.max()), "{first} {second}");
        }
    }
}

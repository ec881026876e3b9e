//! The distribution of latencies, in fixed buckets for a chart.

use serde::Serialize;

/// The number of buckets for each power of ten.
const PER_DECADE: usize = 5;

/// The number of powers of ten: 1 ms to 1000 s.
const DECADES: usize = 6;

/// The number of buckets: the first also has what is shorter, the last what is longer.
const BUCKETS: usize = PER_DECADE * DECADES;

/// The number of turns in each bucket of latencies.
#[derive(Clone, Debug)]
pub(super) struct Histogram([u64; BUCKETS]);

/// A bucket of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bucket {
    /// The lower limit in milliseconds; the first bucket has all shorter ones, too.
    pub from_ms: f64,
    /// The upper limit in milliseconds; the last bucket has all longer ones, too.
    pub to_ms: f64,
    /// The number of turns.
    pub turns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    pub(super) fn add(&mut self, ms: f64) {
        // Less than zero becomes zero.
        let index = (ms.log10() * PER_DECADE as f64) as usize;
        self.0[index.min(BUCKETS - 1)] += 1;
    }

    pub(super) fn append(&mut self, next: &Self) {
        self.0.iter_mut().zip(next.0).for_each(|(count, next)| *count += next);
    }

    /// Returns the buckets from the first to the last one with a turn.
    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let used = |turns: &u64| *turns > 0;
        let Some(first) = self.0.iter().position(used) else { return Vec::new() };
        let last = self.0.iter().rposition(used).unwrap_or(first);
        let bucket = |index| Bucket { from_ms: limit(index), to_ms: limit(index + 1), turns: self.0[index] };
        (first..=last).map(bucket).collect()
    }
}

/// Returns the lower limit of a bucket in milliseconds, rounded to three digits.
fn limit(index: usize) -> f64 {
    let steps = [1.0, 1.58, 2.51, 3.98, 6.31];
    let decade = i32::try_from(index / PER_DECADE).unwrap_or_default();
    (steps[index % PER_DECADE] * 10_f64.powi(decade) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_has_a_bucket() {
        let mut histogram = Histogram::default();
        for ms in [0.0, 0.5, 1.5, 100.0, 157.0, 160.0, 1e9, f64::INFINITY] {
            histogram.add(ms);
        }
        let used = histogram.buckets().into_iter().filter(|bucket| bucket.turns > 0);
        let used = used.map(|bucket| (bucket.from_ms, bucket.to_ms, bucket.turns)).collect::<Vec<_>>();
        assert_eq!(used, [(1.0, 1.58, 3), (100.0, 158.0, 2), (158.0, 251.0, 1), (631_000.0, 1_000_000.0, 2)]);
    }
}

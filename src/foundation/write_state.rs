//! Whether something can be written: the last write succeeded, and the one under way does not stand still.
//!
//! A write to a frozen disk neither fails nor ends, and cannot be interrupted. So its start is noted, and whoever depends on
//! it looks how long ago that was. This costs two readings of the monotonic clock for each write, and needs no timer.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The time after which a write stands still.
const STALL_AFTER: Duration = Duration::from_millis(1500);

/// The bit of [`WriteState::under_way`] that is set when the standstill has been reported.
const REPORTED: u64 = 1;

/// The state of a destination that one writer writes to, such as a log or a database.
#[derive(Debug)]
pub struct WriteState {
    /// The name of the destination in the diagnostics.
    destination: &'static str,
    has_failed: AtomicBool,
    origin: Instant,
    /// The start of the write that is under way, in microseconds since `origin` and one more, shifted by the bit
    /// [`REPORTED`]; 0 if none is.
    under_way: AtomicU64,
    write_seconds: Histogram,
}

/// A write that is under way until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct WriteUnderWay<'a> {
    state: &'a WriteState,
    is_timed: bool,
}

impl WriteState {
    /// Creates the state of a destination that has been written without a failure.
    #[must_use]
    pub fn new(destination: &'static str) -> Self {
        let (has_failed, under_way) = (AtomicBool::new(false), AtomicU64::new(0));
        // From 0.1 ms to 3 s.
        let write_seconds = Histogram::new(exponential_buckets(0.0001, 2.0, 16));
        Self { destination, has_failed, origin: Instant::now(), under_way, write_seconds }
    }

    /// Notes the start of a write. One write at a time can be under way.
    pub fn begin(&self) -> WriteUnderWay<'_> {
        self.begin_one(false)
    }

    /// Notes the start of a write whose time is added to [`Self::write_seconds`].
    pub fn begin_timed(&self) -> WriteUnderWay<'_> {
        self.begin_one(true)
    }

    fn begin_one(&self, is_timed: bool) -> WriteUnderWay<'_> {
        self.under_way.store((self.now() + 1) << 1, Ordering::Release);
        WriteUnderWay { state: self, is_timed }
    }

    /// Returns the times of writes that were begun by [`Self::begin_timed`], in seconds.
    #[must_use]
    pub fn write_seconds(&self) -> &Histogram {
        &self.write_seconds
    }

    /// Notes whether the last write has failed.
    pub fn set_failed(&self, has_failed: bool) {
        self.has_failed.store(has_failed, Ordering::Release);
    }

    /// Returns whether the last write has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Returns whether the last write succeeded and none stands still.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.has_failed() && !self.is_stalled()
    }

    fn is_stalled(&self) -> bool {
        let under_way = self.under_way.load(Ordering::Acquire);
        if under_way == 0 || self.age(under_way) < STALL_AFTER {
            return false;
        }
        let reported = under_way | REPORTED;
        let exchanged = self.under_way.compare_exchange(under_way, reported, Ordering::AcqRel, Ordering::Acquire);
        if under_way != reported && exchanged.is_ok() {
            let destination = self.destination;
            tracing::error!(destination, "a write stands still; turns are refused until it ends");
        }
        true
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn age(&self, under_way: u64) -> Duration {
        Duration::from_micros(self.now().saturating_sub((under_way >> 1) - 1))
    }
}

impl Drop for WriteUnderWay<'_> {
    fn drop(&mut self) {
        let Self { state, is_timed } = *self;
        let under_way = state.under_way.swap(0, Ordering::AcqRel);
        if is_timed {
            state.write_seconds.observe(state.age(under_way).as_secs_f64());
        }
        if under_way & REPORTED != 0 {
            let (destination, seconds) = (state.destination, state.age(under_way).as_secs_f64());
            tracing::warn!(destination, seconds, "the write that stood still has ended");
        }
    }
}

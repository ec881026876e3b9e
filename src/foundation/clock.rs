//! A clock that is passed as an argument, so that tests can set the time.
//!
//! It has two readings: the wall clock, which may be set forward and back, for times that people read, and a steady one for
//! what lasts longer than a request. Shorter durations are measured with `std::time::Instant`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// A wall clock with a time zone. Cheap to clone; all clones return the same time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Returns the time since some moment before the clock was made, by a monotonic clock.
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// The wall clock's time at that moment, as far as the wall clock was right when the clock was made.
    start: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// Creates a clock that returns the system's time, in `zone`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the system clock")]
    pub fn system(zone: TimeZone) -> Self {
        Self::from_fn(Timestamp::now, zone)
    }

    /// Creates a clock whose wall clock returns the time that `now` returns.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static, zone: TimeZone) -> Self {
        let start = Instant::now();
        Self::from_fns(now, move || start.elapsed(), zone)
    }

    /// Creates a clock from a wall clock and a monotonic clock, which returns the time since some moment.
    pub fn from_fns(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
        zone: TimeZone,
    ) -> Self {
        let before = SignedDuration::try_from(elapsed()).unwrap_or(SignedDuration::MAX);
        let start = now().checked_sub(before).unwrap_or(Timestamp::MIN);
        Self { now: Arc::new(now), elapsed: Arc::new(elapsed), start, zone }
    }

    /// Returns the current time in whole microseconds: the database stores no finer time, and some JSON readers parse none.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        whole_microseconds((self.now)())
    }

    /// Returns the time that it would be if the wall clock had not been set since the clock was made, in whole microseconds.
    /// Differences of such times are true durations.
    #[must_use]
    pub fn steady(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from((self.elapsed)()).unwrap_or(SignedDuration::MAX);
        whole_microseconds(self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX))
    }

    /// Returns the time zone of log dates and of times in responses.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Formats a time as RFC 3339 in the clock's zone, and returns its date there as well. The fraction of a second always
    /// has six digits, so that texts of one offset sort by time.
    #[must_use]
    pub fn local(&self, time: Timestamp) -> (String, Date) {
        let offset = self.zone.to_offset(time);
        (format!("{:.6}", time.display_with_offset(offset)), offset.to_datetime(time).date())
    }

    /// Formats a time as RFC 3339 in the clock's zone, with six digits for the fraction of a second.
    #[must_use]
    pub fn rfc3339(&self, time: Timestamp) -> String {
        self.local(time).0
    }
}

fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("zone", &self.zone).finish_non_exhaustive()
    }
}

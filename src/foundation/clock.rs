//! A wall clock that is passed as an argument, so that tests can set the time.
//!
//! Durations are measured with `std::time::Instant` instead.

use std::{fmt, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// A wall clock with a time zone. Cheap to clone; all clones return the same time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    zone: TimeZone,
}

impl Clock {
    /// Creates a clock that returns the system's time, in `zone`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the system clock")]
    pub fn system(zone: TimeZone) -> Self {
        Self::from_fn(Timestamp::now, zone)
    }

    /// Creates a clock that returns the time that `now` returns.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static, zone: TimeZone) -> Self {
        Self { now: Arc::new(now), zone }
    }

    /// Returns the current time in whole microseconds: the database stores no finer time, and some JSON readers parse none.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.now)();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Returns the time `age` ago, or the earliest time that can be represented.
    #[must_use]
    pub fn ago(&self, age: Duration) -> Timestamp {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        self.now().checked_sub(age).unwrap_or(Timestamp::MIN)
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

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("zone", &self.zone).finish_non_exhaustive()
    }
}

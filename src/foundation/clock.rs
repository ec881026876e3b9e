//! The time of day and the zone it is told in, as an argument.
//!
//! Durations are measured with `std::time::Instant`; this clock only answers "what time is it", which is what a
//! test may want to set by hand.

use std::{fmt, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// Tells the time. Cheap to clone; every clone tells the same time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    zone: TimeZone,
}

impl Clock {
    /// The machine's own clock, read in `zone`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
    pub fn system(zone: TimeZone) -> Self {
        Self::set_by(Timestamp::now, zone)
    }

    /// A clock that answers with whatever `now` returns.
    pub fn set_by(now: impl Fn() -> Timestamp + Send + Sync + 'static, zone: TimeZone) -> Self {
        Self { now: Arc::new(now), zone }
    }

    /// The present moment, to the microsecond: what the database keeps, and what every reader of the log can parse.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.now)();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// The moment so long before the present one, as far back as times go.
    #[must_use]
    pub fn ago(&self, age: Duration) -> Timestamp {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        self.now().checked_sub(age).unwrap_or(Timestamp::MIN)
    }

    /// The zone in which days begin and times are told.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A moment as RFC 3339 with the zone's offset at that moment, and the date there. The fraction of a second always
    /// has six digits, so that all times are equally long and sort as texts.
    #[must_use]
    pub fn local(&self, moment: Timestamp) -> (String, Date) {
        let offset = self.zone.to_offset(moment);
        (format!("{:.6}", moment.display_with_offset(offset)), offset.to_datetime(moment).date())
    }

    /// A moment as RFC 3339 with the zone's offset at that moment, and six digits behind the second.
    #[must_use]
    pub fn rfc3339(&self, moment: Timestamp) -> String {
        self.local(moment).0
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("zone", &self.zone).finish_non_exhaustive()
    }
}

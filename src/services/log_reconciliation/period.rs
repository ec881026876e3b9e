//! The period to which the comparison of single turns and sessions is limited.

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::time_bound::TimeBound;

/// A period in the log's time zone. Without bounds it has every time.
#[derive(Clone, Debug)]
pub struct Period {
    /// The begin.
    pub since: Option<TimeBound>,
    /// The end.
    pub until: Option<TimeBound>,
    /// The time zone of the log.
    pub zone: TimeZone,
}

impl Period {
    /// Returns whether a time is in the period, as it is written in a line.
    pub(super) fn contains_text(&self, timestamp: &str) -> bool {
        self.since.as_ref().is_none_or(|since| since.begins_before(timestamp))
            && self.until.as_ref().is_none_or(|until| until.ends_after(timestamp))
    }

    /// Returns whether a time is in the period.
    pub(super) fn contains(&self, time: Timestamp) -> bool {
        self.contains_text(&time.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string())
    }

    /// Returns whether the period has an end or a begin.
    pub(super) fn is_limited(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }
}

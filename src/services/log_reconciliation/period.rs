//! The period to which the comparison of single turns and sessions is limited.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use crate::{adapters::storage::RowBounds, domain::time_bound::TimeBound};

/// Longer than a day, with a change of the time zone's offset: a day is in the period as a whole.
const MARGIN: SignedDuration = SignedDuration::from_hours(30);

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
        self.since.as_ref().is_none_or(|since| since.begins_before(timestamp, Some(&self.zone)))
            && self.until.as_ref().is_none_or(|until| until.ends_after(timestamp, Some(&self.zone)))
    }

    /// Returns whether a time is in the period.
    pub(super) fn contains(&self, time: Timestamp) -> bool {
        self.contains_text(&time.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string())
    }

    /// Returns times that are not in the period, but near it: everything between is read.
    #[must_use]
    pub fn row_bounds(&self) -> RowBounds {
        let moment = |bound: &TimeBound| match bound {
            TimeBound::Instant(instant) => Some(*instant),
            TimeBound::Day(time) | TimeBound::Local(time) => {
                let time = time.parse::<DateTime>().ok()?.to_zoned(self.zone.clone()).ok()?;
                Some(time.timestamp())
            }
        };
        let since = self.since.as_ref().and_then(moment).and_then(|time| time.checked_sub(MARGIN).ok());
        let until = self.until.as_ref().and_then(moment).and_then(|time| time.checked_add(MARGIN).ok());
        RowBounds { since, until }
    }

    /// Returns whether the period has an end or a begin.
    pub(super) fn is_limited(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }
}

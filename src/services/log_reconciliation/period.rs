//! The period to which a comparison is limited.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

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

/// The days that are wholly in a period. Sums are compared by days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WholeDays {
    /// The first day; `None` for a period without a begin.
    first: Option<String>,
    /// The last day; `None` for a period without an end.
    last: Option<String>,
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
        let moment = |bound: &TimeBound| bound.first_moment(&self.zone);
        let since = self.since.as_ref().and_then(moment).and_then(|time| time.checked_sub(MARGIN).ok());
        let until = self.until.as_ref().and_then(moment).and_then(|time| time.checked_add(MARGIN).ok());
        RowBounds { since, until }
    }

    /// Returns whether the period has an end or a begin.
    pub(super) fn is_limited(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Returns the days that are wholly in the period.
    pub(super) fn whole_days(&self) -> WholeDays {
        let text = |day: Date| day.to_string();
        WholeDays {
            first: self.since.as_ref().map(|since| text(since.first_whole_day(&self.zone))),
            last: self.until.as_ref().map(|until| text(until.last_whole_day(&self.zone))),
        }
    }
}

impl WholeDays {
    /// Returns whether a date, `YYYY-MM-DD`, is one of the days.
    pub(super) fn contains(&self, day: &str) -> bool {
        self.first.as_deref().is_none_or(|first| first <= day) && self.last.as_deref().is_none_or(|last| day <= last)
    }

    /// Returns whether lines may be of one of the days that were written on two dates or between; `None` stands for any date
    /// before, or after.
    pub(super) fn may_have(&self, from: Option<&str>, until: Option<&str>) -> bool {
        let is_before = |one: Option<&str>, other: Option<&str>| one.zip(other).is_none_or(|(one, other)| one <= other);
        let (first, last) = (self.first.as_deref(), self.last.as_deref());
        is_before(first, last) && is_before(first, until) && is_before(from, last)
    }
}

impl fmt::Display for WholeDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.first, &self.last) {
            (Some(first), Some(last)) if first > last => write!(f, "no day, since none is wholly in it"),
            (Some(first), Some(last)) => write!(f, "the days from {first} to {last}"),
            (Some(first), None) => write!(f, "the days from {first} on"),
            (None, Some(last)) => write!(f, "the days up to {last}"),
            (None, None) => write!(f, "all days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(since: &str, until: &str) -> WholeDays {
        let bound = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Period { since: bound(since), until: bound(until), zone }.whole_days()
    }

    #[test]
    fn days_that_a_bound_divides_are_no_whole_ones() {
        for (since, until, expected) in [
            ("", "", "all days"),
            ("2026-11-28", "2026-11-29", "the days from 2026-11-28 to 2026-11-29"),
            ("2026-11-28T00:00", "2026-11-30T00:00", "the days from 2026-11-28 to 2026-11-29"),
            ("2026-11-28T00:01", "", "the days from 2026-11-29 on"),
            ("", "2026-11-29T23:59:59", "the days up to 2026-11-28"),
            ("2026-11-27T23:00:00Z", "2026-11-29T23:00:00Z", "the days from 2026-11-28 to 2026-11-29"),
            ("2026-11-27T23:00:01Z", "2026-11-29T22:59:59Z", "no day, since none is wholly in it"),
        ] {
            assert_eq!(days(since, until).to_string(), expected, "{since} {until}");
        }
        assert!(days("", "").contains("2026-11-28") && !days("2026-11-29", "").contains("2026-11-28"));
    }

    #[test]
    fn lines_between_two_dates_may_be_of_a_day_there() {
        let (bounded, open) = (days("2026-11-28", "2026-11-29"), days("", ""));
        let dates = ["2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30"];
        let may_have = |from: usize, until: usize| bounded.may_have(Some(dates[from]), Some(dates[until]));
        assert!(may_have(0, 3) && may_have(1, 1) && may_have(0, 1) && may_have(2, 3));
        assert!(!may_have(0, 0) && !may_have(3, 3));
        assert!(bounded.may_have(None, None) && bounded.may_have(Some(dates[0]), None) && open.may_have(None, None));
        assert!(!bounded.may_have(Some(dates[3]), None) && !bounded.may_have(None, Some(dates[0])));
        assert!(!days("2026-11-28T12:00", "2026-11-29T12:00").may_have(None, None));
    }
}

//! The begin and the end of a period of the session log.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// A begin or end of a period: a day or a time in the log's time zone, or an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeBound {
    /// A day, which is wholly in the period.
    Day(String),
    /// A local time, `YYYY-MM-DDTHH:MM:SS`, with a fraction of the second if it has one. A period ends before it.
    Local(String),
    /// An instant. A period ends before it.
    Instant(Timestamp),
}

/// A text is neither a day nor a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a day such as 2026-11-29, a time such as 2026-11-29T13:45, or one with an offset such as 2026-11-29T13:45:00Z"
)]
pub struct InvalidTime;

impl fmt::Display for TimeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(text) | Self::Local(text) => f.write_str(text),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

impl FromStr for TimeBound {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        // A time that ends in a name of a zone, or in a part of an offset, is not taken for a local one.
        if text.len() <= "2026-11-29".len() {
            let day = text.parse::<Date>().map_err(|_| InvalidTime)?;
            return Ok(Self::Day(day.to_string()));
        }
        let time = text.parse::<DateTime>().map_err(|_| InvalidTime)?;
        Ok(Self::Local(time.strftime("%Y-%m-%dT%H:%M:%S%.f").to_string()))
    }
}

impl TimeBound {
    /// Returns whether a line is in the period that begins here, by its time as it is written. A time without an offset is one of
    /// `zone`; without `zone`, no instant is before it.
    #[must_use]
    pub fn begins_before(&self, timestamp: &str, zone: Option<&TimeZone>) -> bool {
        match self {
            Self::Day(day) => prefix(timestamp, day) >= day.as_str(),
            Self::Local(time) => prefix(timestamp, time) >= time.as_str(),
            Self::Instant(instant) => instant_of(timestamp, zone).is_some_and(|time| time >= *instant),
        }
    }

    /// Returns whether a line is in the period that ends here, by its time as it is written. A time without an offset is one of
    /// `zone`; without `zone`, no instant is after it.
    #[must_use]
    pub fn ends_after(&self, timestamp: &str, zone: Option<&TimeZone>) -> bool {
        match self {
            Self::Day(day) => prefix(timestamp, day) <= day.as_str(),
            Self::Local(time) => prefix(timestamp, time) < time.as_str(),
            Self::Instant(instant) => instant_of(timestamp, zone).is_some_and(|time| time < *instant),
        }
    }

    /// Returns the first day that is wholly in the period that begins here. Days are those of `zone`.
    #[must_use]
    pub fn first_whole_day(&self, zone: &TimeZone) -> Date {
        let begin = self.local_time(zone);
        let day = begin.date();
        if begin.time() == Time::midnight() { day } else { day.tomorrow().unwrap_or(Date::MAX) }
    }

    /// Returns the last day that is wholly in the period that ends here. Days are those of `zone`.
    #[must_use]
    pub fn last_whole_day(&self, zone: &TimeZone) -> Date {
        let day = self.local_time(zone).date();
        if let Self::Day(_) = self { day } else { day.yesterday().unwrap_or(Date::MIN) }
    }

    /// Returns the day on which a period begins or ends here. Days are those of `zone`.
    #[must_use]
    pub fn day(&self, zone: &TimeZone) -> Date {
        self.local_time(zone).date()
    }

    /// Returns the local time of the bound; of a day, that of its start.
    fn local_time(&self, zone: &TimeZone) -> DateTime {
        match self {
            // They were texts of a day and of a time when they were parsed. A day is read as its start.
            Self::Day(text) | Self::Local(text) => text.parse().unwrap_or_default(),
            Self::Instant(instant) => instant.to_zoned(zone.clone()).datetime(),
        }
    }

    /// Returns whether a period from `self` to `end` has no moment. An instant is compared with another kind of bound only with
    /// the `zone` of that.
    #[must_use]
    pub fn is_after(&self, end: &Self, zone: Option<&TimeZone>) -> bool {
        match (self, end) {
            (Self::Instant(begin), Self::Instant(end)) => begin >= end,
            (Self::Instant(_), _) | (_, Self::Instant(_)) => {
                let moments = zone.and_then(|zone| Some((self.first_moment(zone)?, end.end_moment(zone)?)));
                moments.is_some_and(|(begin, end)| begin >= end)
            }
            (Self::Day(begin) | Self::Local(begin), Self::Local(end)) => prefix(begin, end) >= end.as_str(),
            (Self::Day(begin) | Self::Local(begin), Self::Day(end)) => prefix(begin, end) > end.as_str(),
        }
    }

    /// Returns the first moment of a period that begins here; of a day, its start.
    #[must_use]
    pub fn first_moment(&self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(text) | Self::Local(text) => local_instant(text, zone),
            Self::Instant(instant) => Some(*instant),
        }
    }

    /// Returns the first moment after a period that ends here; of a day, the start of the next one.
    fn end_moment(&self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(_) => zone.to_timestamp(self.local_time(zone).tomorrow().ok()?).ok(),
            Self::Local(_) | Self::Instant(_) => self.first_moment(zone),
        }
    }
}

/// Returns whether no time is both after `since` and before `until`. An instant is compared with another kind of bound only with
/// the `zone` of that.
#[must_use]
pub fn is_empty_period(since: Option<&TimeBound>, until: Option<&TimeBound>, zone: Option<&TimeZone>) -> bool {
    since.zip(until).is_some_and(|(since, until)| since.is_after(until, zone))
}

/// Returns the instant of a line's time. One without an offset, as the service before AL-Chat wrote it, is one of `zone`.
fn instant_of(timestamp: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    timestamp.parse().ok().or_else(|| local_instant(timestamp, zone?))
}

/// Returns the instant of a local time, or of the start of a day.
fn local_instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}

/// Returns as many bytes of a time as the other text has. The local time comes first in the text of a time, so that texts
/// are compared instead of times.
fn prefix<'a>(timestamp: &'a str, other: &str) -> &'a str {
    timestamp.get(..other.len()).unwrap_or(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str) -> TimeBound {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_times_bound_a_period() {
        let line = "2026-11-29T13:45:46.132000+01:00";
        for begin in [
            "2026-11-29",
            "2026-11-29T13:45",
            "2026-11-29T13:45:46",
            "2026-11-29T13:45:46.132",
            "2026-11-29T12:45:46Z",
            "2026-11-28",
        ] {
            assert!(bound(begin).begins_before(line, None), "{begin}");
        }
        for begin in
            ["2026-11-30", "2026-11-29T13:46", "2026-11-29T12:45:47Z", "2026-11-29T13:45:47", "2026-11-29T13:45:46.2"]
        {
            assert!(!bound(begin).begins_before(line, None), "{begin}");
        }
        for end in
            ["2026-11-29", "2026-11-29T13:46", "2026-11-29T13:45:46.2+01:00", "2026-11-29T13:45:46.2", "2027-01-01"]
        {
            assert!(bound(end).ends_after(line, None), "{end}");
        }
        for end in ["2026-11-28", "2026-11-29T13:45:46", "2026-11-29T12:45:46Z", "2026-11-29T13:45:46.132"] {
            assert!(!bound(end).ends_after(line, None), "{end}");
        }
    }

    #[test]
    fn times_without_an_offset_are_those_of_the_zone() {
        let (line, zone) = ("2026-11-29T13:45:46.132000", TimeZone::fixed(jiff::tz::offset(2)));
        let zone = Some(&zone);
        assert!(bound("2026-11-29T11:45:46Z").begins_before(line, zone));
        assert!(!bound("2026-11-29T11:45:47Z").begins_before(line, zone));
        assert!(bound("2026-11-29T12:45:47+01:00").ends_after(line, zone));
        assert!(!bound("2026-11-29T12:45:46+01:00").ends_after(line, zone));
        assert!(!bound("2026-11-29T11:45:46Z").begins_before(line, None));
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "29.11.2026", "2026-11-29T25:00", "2026-11-29X", "20"]
        {
            assert_eq!(text.parse::<TimeBound>(), Err(InvalidTime), "{text}");
        }
    }

    #[test]
    fn an_empty_period_is_noticed() {
        let is_empty = |begin, end| bound(begin).is_after(&bound(end), Some(&TimeZone::UTC));
        assert!(is_empty("2026-11-30", "2026-11-29"));
        assert!(!is_empty("2026-11-29", "2026-11-29"));
        assert!(is_empty("2026-11-29T12:00", "2026-11-29T12:00"));
        assert!(!is_empty("2026-11-29T12:00", "2026-11-29"));
        assert!(is_empty("2026-11-30", "2026-11-29T12:00"));
        assert!(is_empty("2026-11-29T12:00Z", "2026-11-29T12:00:00+01:00"));
        assert!(is_empty("2026-11-29T12:00:00.5", "2026-11-29T12:00:00.25"));
        assert!(is_empty("2026-12-02", "2026-12-01T00:00:00Z") && is_empty("2026-12-02T00:00Z", "2026-12-01"));
        assert!(!is_empty("2026-12-01", "2026-12-01T00:00:01Z") && !is_empty("2026-12-01T23:59Z", "2026-12-01"));
        assert!(is_empty("2026-12-01T12:00", "2026-12-01T12:00:00Z"));
    }
}

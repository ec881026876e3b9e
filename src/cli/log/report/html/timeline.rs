//! Turns, errors and cost over time, in columns of an hour, a day or a month.

use jiff::{ToSpan, civil::DateTime};

use super::{
    columns::{Column, ColumnChart},
    palette::{COST, ERRORS, TURNS},
};
use crate::{
    cli::log::numbers::{count, dollars},
    services::log_report::Tally,
};

/// The longest time that is shown in hours, and the longest one that is shown in days, in hours.
const MAX_HOURS: [f64; 2] = [4.0 * 24.0, 200.0 * 24.0];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Hour,
    Day,
    Month,
}

/// Columns that follow each other in time.
pub(super) struct Timeline {
    unit: Unit,
    slots: Vec<Slot>,
}

struct Slot {
    start: DateTime,
    end: DateTime,
    turns: u64,
    errors: u64,
    cost_usd: f64,
}

impl Timeline {
    /// Joins hours to columns.
    pub(super) fn of(hours: &[Tally]) -> Self {
        let start = |tally: &Tally| format!("{}:00", tally.name.as_deref()?).parse::<DateTime>().ok();
        let hours = hours.iter().filter_map(|tally| Some((start(tally)?, tally))).collect::<Vec<_>>();
        let length = match (hours.first(), hours.last()) {
            (Some((first, _)), Some((last, _))) => hours_between(*first, *last),
            _ => 0.0,
        };
        let unit = match MAX_HOURS.iter().position(|max| length < *max) {
            Some(0) => Unit::Hour,
            Some(_) => Unit::Day,
            None => Unit::Month,
        };
        let mut timeline = Self { unit, slots: Vec::new() };
        for (start, tally) in hours {
            timeline.add(start, tally);
        }
        timeline
    }

    /// Adds an hour, which is not before the ones that were added.
    fn add(&mut self, time: DateTime, tally: &Tally) {
        let Some((start, end)) = self.unit.around(time) else { return };
        if self.slots.last().is_none_or(|slot| slot.start != start) {
            self.slots.push(Slot { start, end, turns: 0, errors: 0, cost_usd: 0.0 });
        }
        if let Some(slot) = self.slots.last_mut() {
            slot.turns += tally.turns;
            slot.errors += tally.errors;
            slot.cost_usd += tally.cost_usd;
        }
    }

    /// Returns the unit of a column, as a part of a title.
    pub(super) fn unit_name(&self) -> &'static str {
        match self.unit {
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Month => "month",
        }
    }

    pub(super) fn turns(&self, labels: usize) -> ColumnChart {
        let parts = |slot: &Slot| vec![(number(slot.turns - slot.errors), TURNS), (number(slot.errors), ERRORS)];
        self.chart(labels, parts, turns_label)
    }

    pub(super) fn cost(&self, labels: usize) -> ColumnChart {
        self.chart(labels, |slot| vec![(slot.cost_usd, COST)], dollars)
    }

    pub(super) fn has_cost(&self) -> bool {
        self.slots.iter().any(|slot| slot.cost_usd > 0.0)
    }

    fn chart(
        &self,
        labels: usize,
        parts: impl Fn(&Slot) -> Vec<(f64, plotters::style::RGBColor)>,
        value: fn(f64) -> String,
    ) -> ColumnChart {
        let first = self.slots.first().map(|slot| slot.start).unwrap_or_default();
        let at = |time| hours_between(first, time);
        let columns =
            self.slots.iter().map(|slot| Column { from: at(slot.start), to: at(slot.end), parts: parts(slot) });
        ColumnChart { columns: columns.collect(), ticks: self.ticks(first, labels), value }
    }

    /// Returns the labels of at most this many columns, which have room beside each other.
    fn ticks(&self, first: DateTime, labels: usize) -> Vec<(f64, String)> {
        let length = self.slots.last().map(|slot| hours_between(first, slot.end)).unwrap_or_default();
        let distance = length / number(labels as u64);
        let mut ticks = Vec::<(f64, String)>::new();
        for slot in &self.slots {
            let middle = f64::midpoint(hours_between(first, slot.start), hours_between(first, slot.end));
            if ticks.last().is_none_or(|(last, _)| middle - last >= distance) {
                ticks.push((middle, self.unit.label(slot.start)));
            }
        }
        ticks
    }
}

impl Unit {
    /// Returns start and end of the unit that contains a time.
    fn around(self, time: DateTime) -> Option<(DateTime, DateTime)> {
        let day = time.date();
        let (start, span) = match self {
            Self::Hour => (time, 1.hour()),
            Self::Day => (day.at(0, 0, 0, 0), 1.day()),
            Self::Month => (day.first_of_month().at(0, 0, 0, 0), 1.month()),
        };
        Some((start, start.checked_add(span).ok()?))
    }

    fn label(self, start: DateTime) -> String {
        let format = match self {
            Self::Hour if start.hour() == 0 => "%-d %b",
            Self::Hour => "%H:%M",
            Self::Day => "%-d %b",
            Self::Month => "%b %Y",
        };
        start.strftime(format).to_string()
    }
}

fn hours_between(start: DateTime, end: DateTime) -> f64 {
    end.duration_since(start).as_secs_f64() / 3600.0
}

#[expect(clippy::cast_precision_loss, reason = "a height in a chart")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// Returns the label of a number of turns on an axis; empty between whole numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
pub(super) fn turns_label(turns: f64) -> String {
    if turns.fract() == 0.0 { count(turns as u64) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(hours: &[&str]) -> Timeline {
        let tally = |name: &&str| Tally {
            name: Some((*name).to_owned()),
            turns: 3,
            errors: 1,
            cost_usd: 0.5,
            unpriced_turns: 0,
            failed_calls: 0,
        };
        Timeline::of(&hours.iter().map(tally).collect::<Vec<_>>())
    }

    #[test]
    fn the_length_of_the_log_gives_the_unit() {
        for (last, unit, columns) in [
            ("2026-01-02T09", Unit::Hour, 3),
            ("2026-02-01T09", Unit::Day, 2),
            ("2027-02-01T09", Unit::Month, 2),
            ("9999-12-31T23", Unit::Month, 1),
        ] {
            let timeline = timeline(&["2026-01-01T22", "2026-01-01T23", last, "never", "2026-01-01T99"]);
            assert_eq!((timeline.unit, timeline.slots.len()), (unit, columns), "{last}");
            assert_eq!(timeline.slots.iter().map(|slot| slot.turns).sum::<u64>(), if columns == 1 { 6 } else { 9 });
        }
    }

    #[test]
    fn labels_have_room() {
        let hours = (0..24).map(|hour| format!("2026-01-01T{hour:02}")).collect::<Vec<_>>();
        let hours = hours.iter().map(String::as_str).collect::<Vec<_>>();
        let ticks = timeline(&hours).ticks(DateTime::constant(2026, 1, 1, 0, 0, 0, 0), 4);
        let labels = ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>();
        assert_eq!(labels, ["1 Jan", "06:00", "12:00", "18:00"]);
        assert!(timeline(&[]).turns(4).svg((300, 200)).is_empty());
    }
}

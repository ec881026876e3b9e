//! Whether another session log may have a turn or a stop that this one lacks.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use crate::adapters::storage::OtherLogs;

/// The other session logs of the database, as far as they are known.
pub(super) struct Elsewhere<'a> {
    others: &'a OtherLogs,
    /// The starts of all known processes in their order, and whether each has written another log.
    starts: Vec<(Timestamp, bool)>,
}

impl<'a> Elsewhere<'a> {
    /// `own` are the processes that have written the log which is compared.
    pub(super) fn new(others: &'a OtherLogs, own: &BTreeSet<Uuid>) -> Self {
        let of = |instances: &BTreeSet<Uuid>, is_other| {
            instances.iter().filter_map(|id| time_of(*id)).map(|start| (start, is_other)).collect::<Vec<_>>()
        };
        let mut starts = of(&others.processes, true);
        starts.extend(of(own, false));
        starts.sort_unstable();
        Self { others, starts }
    }

    /// Returns whether another log may have a turn that began at this time.
    pub(super) fn may_have_turn_of(&self, time: Option<Timestamp>) -> bool {
        self.may_have_turn(time, time)
    }

    /// Returns whether another log may have a turn that began at this time or later.
    pub(super) fn may_have_turn_since(&self, time: Option<Timestamp>) -> bool {
        self.may_have_turn(time, None)
    }

    /// Returns whether another log may have the stop of a session that ended at this time. A later process may have logged it.
    pub(super) fn may_have_stop_since(&self, time: Option<Timestamp>) -> bool {
        match time {
            Some(time) if !self.others.is_shared => self.has_other_run(time, None),
            // Not each process that stops sessions has turns, by which it would be known when it ran.
            _ => !self.others.processes.is_empty(),
        }
    }

    fn may_have_turn(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let Some(from) = from else { return !self.others.processes.is_empty() };
        if self.others.is_shared { self.may_have_shared(from, until) } else { self.has_other_run(from, until) }
    }

    /// Returns whether a process of another log has run in this time, of a database that one process at a time uses.
    fn has_other_run(&self, from: Timestamp, until: Option<Timestamp>) -> bool {
        let at = |time: Timestamp| self.starts.partition_point(|(start, _)| *start <= time);
        let later = &self.starts[at(from)..until.map_or(self.starts.len(), at)];
        let running = at(from).checked_sub(1).and_then(|index| self.starts.get(index));
        running.into_iter().chain(later).any(|(_, is_other)| *is_other)
    }

    /// Returns whether a process of another log may have had turns in this time, of a database that several processes use.
    fn may_have_shared(&self, from: Timestamp, until: Option<Timestamp>) -> bool {
        let OtherLogs { alive, days, summed_from, has_unsummed, .. } = self.others;
        // A turn's line may have the date of the next day, and another time zone another one.
        let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
        let first = day(from).yesterday().unwrap_or(day(from));
        let is_day = days.range(first..).next().is_some_and(|day_of_turns| {
            until.is_none_or(|until| *day_of_turns <= day(until).tomorrow().unwrap_or(day(until)))
        });
        // Today's first turn may be stored, but not counted yet.
        let is_running =
            alive.iter().any(|id| time_of(*id).is_none_or(|start| until.is_none_or(|until| start <= until)));
        let is_unsummed = *has_unsummed || summed_from.iter().any(|id| time_of(*id).is_none_or(|begin| from < begin));
        is_day || is_running || is_unsummed
    }
}

/// Returns the time in an id, a UUIDv7.
pub(super) fn time_of(id: Uuid) -> Option<Timestamp> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::NoContext;

    use super::*;

    /// The start of 2026-11-20 in UTC, in seconds since 1970.
    const BEGIN: i64 = 1_795_132_800;

    const DAY: i64 = 86_400;

    /// Returns a process that starts after this many days.
    fn process(day: i64) -> Uuid {
        let seconds = u64::try_from(BEGIN + day * DAY).unwrap();
        Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0))
    }

    /// Returns noon of a day.
    fn noon(day: i64) -> Timestamp {
        Timestamp::from_second(BEGIN + day * DAY + DAY / 2).unwrap()
    }

    #[test]
    fn in_a_file_the_process_that_ran_then_has_the_turn() {
        let others = OtherLogs { processes: [process(0), process(4)].into(), ..OtherLogs::default() };
        let elsewhere = Elsewhere::new(&others, &[process(2), process(6)].into());
        let turns = (-1..8).map(|day| elsewhere.may_have_turn_of(Some(noon(day)))).collect::<Vec<_>>();
        assert_eq!(turns, [false, true, true, false, false, true, true, false, false]);
        let later = (1..8).map(|day| elsewhere.may_have_turn_since(Some(noon(day)))).collect::<Vec<_>>();
        assert_eq!(later, [true, true, true, true, true, false, false]);
        assert_eq!([3, 7].map(|day| elsewhere.may_have_stop_since(Some(noon(day)))), [true, false]);
        assert!(elsewhere.may_have_turn_of(None));
        let alone = OtherLogs::default();
        let alone = Elsewhere::new(&alone, &[process(2)].into());
        assert!(
            !alone.may_have_turn_of(None) && !alone.may_have_turn_of(Some(noon(1))) && !alone.may_have_stop_since(None)
        );
    }

    #[test]
    fn on_a_server_days_with_turns_and_living_processes_count() {
        let mut others = OtherLogs {
            is_shared: true,
            processes: [process(0)].into(),
            summed_from: [process(0)].into(),
            days: [date(2026, 11, 23)].into(),
            ..OtherLogs::default()
        };
        let turns = |others: &OtherLogs| {
            let elsewhere = Elsewhere::new(others, &[process(2)].into());
            (-1..6).map(|day| elsewhere.may_have_turn_of(Some(noon(day)))).collect::<Vec<_>>()
        };
        assert_eq!(turns(&others), [true, false, false, true, true, true, false]);
        assert!(Elsewhere::new(&others, &BTreeSet::new()).may_have_stop_since(Some(noon(5))));
        others.alive.insert(process(5));
        assert_eq!(turns(&others), [true, false, false, true, true, true, true]);
        others.has_unsummed = true;
        assert_eq!(turns(&others), [true; 7]);
    }
}

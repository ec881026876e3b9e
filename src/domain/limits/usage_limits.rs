//! The admission of turns by the limits of those who ask.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    amounts::Amounts,
    asker::Asker,
    counter::{Counter, Shared, Windows},
    counts::{CountNews, Counts, Locked},
    key::{LimitKey, LimitKeys},
    near::{DatabaseSums, LimitUsage, keep_nearest, near},
    reached::{LimitReached, Standing},
    scope::LimitScope,
};
use crate::foundation::{
    config::{Limit, LimitList, LimitWindow, Limits},
    secret::SigningSecret,
};

/// The limits of all scopes, and what is used of them. Times are those by which all replicas count.
#[derive(Debug)]
pub struct UsageLimits {
    settings: Limits,
    keys: LimitKeys,
    counts: Counts,
}

/// A turn that is reserved, until it is settled.
#[derive(Debug)]
pub struct Reserved {
    keys: Vec<LimitKey>,
    windows: Windows,
    amounts: Amounts,
}

impl Reserved {
    /// Returns what is reserved.
    #[must_use]
    pub fn amounts(&self) -> Amounts {
        self.amounts
    }
}

/// A scope that limits a turn: the limits, and whose usage they count.
struct Applied<'a> {
    key: LimitKey,
    list: &'a LimitList,
}

impl UsageLimits {
    /// Creates limits of which nothing is used. All replicas have the same secret.
    #[must_use]
    pub fn new(settings: Limits, secret: &SigningSecret) -> Self {
        Self { settings, keys: LimitKeys::new(secret), counts: Counts::default() }
    }

    /// Returns the scopes that limit the turns of whoever asks.
    fn applied(&self, asker: &Asker) -> Vec<Applied<'_>> {
        let applied = LimitScope::ALL.into_iter().filter(|scope| {
            let limits = scope.limits(&self.settings);
            !(limits.list.is_off() || limits.is_default && asker.is_local)
        });
        applied.map(|scope| self.applied_by(self.keys.key(scope, asker))).collect()
    }

    fn applied_by(&self, key: LimitKey) -> Applied<'_> {
        Applied { key, list: &key.scope.limits(&self.settings).list }
    }

    fn lock(&self, applied: &[Applied<'_>]) -> Locked<'_> {
        self.counts.lock(applied.iter().map(|applied| applied.key))
    }

    /// Fails if a turn would be refused now.
    pub fn check(&self, asker: &Asker, now: Timestamp) -> Result<(), LimitReached> {
        let applied = self.applied(asker);
        check(&applied, &mut self.lock(&applied), Windows::at(now), now)
    }

    /// Reserves what a turn is expected to use in all scopes, or in none if one refuses it.
    pub fn reserve(
        &self,
        asker: &Asker,
        expected: impl FnOnce() -> Amounts,
        now: Timestamp,
    ) -> Result<Reserved, LimitReached> {
        let (applied, windows) = (self.applied(asker), Windows::at(now));
        let amounts = if applied.is_empty() { Amounts::default() } else { expected() };
        let mut locked = self.lock(&applied);
        check(&applied, &mut locked, windows, now)?;
        for Applied { key, .. } in &applied {
            locked.change(*key, now, |counter| counter.reserve(windows, amounts));
        }
        Ok(Reserved { keys: applied.iter().map(|applied| applied.key).collect(), windows, amounts })
    }

    /// Replaces what is reserved for a turn. More than before is reserved only if what all others use and have reserved leaves
    /// room, as for a new turn. Otherwise the reservation stays as it was.
    pub fn reserve_anew(
        &self,
        turn: &mut Reserved,
        expected: impl FnOnce() -> Amounts,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        if turn.keys.is_empty() {
            return Ok(());
        }
        let expected = expected();
        // Most turns are sent as they were reserved: the counters need not be locked.
        if expected == turn.amounts {
            return Ok(());
        }
        let applied = turn.keys.iter().map(|key| self.applied_by(*key)).collect::<Vec<_>>();
        let mut locked = self.lock(&applied);
        replace_reserved(&mut locked, turn, turn.amounts, Amounts::default());
        let is_more = expected.max_of_each(turn.amounts) != turn.amounts;
        let checked = if is_more { check(&applied, &mut locked, turn.windows, now) } else { Ok(()) };
        if checked.is_ok() {
            turn.amounts = expected;
        }
        replace_reserved(&mut locked, turn, Amounts::default(), turn.amounts);
        checked
    }

    /// Replaces what is reserved for a turn by what it used. To be called once for each turn.
    pub fn settle(&self, turn: &Reserved, used: Amounts) {
        let mut locked = self.counts.lock(turn.keys.iter().copied());
        for key in &turn.keys {
            if let Some(counter) = locked.find(*key) {
                counter.settle(turn.windows, turn.amounts, used);
            }
        }
    }

    /// Returns what is left of the limit that is nearest to its end; `None` if nothing limits whoever asks.
    #[must_use]
    pub fn nearest(&self, asker: &Asker, now: Timestamp) -> Option<Standing> {
        let applied = self.applied(asker);
        let mut locked = self.lock(&applied);
        let standings = applied.iter().filter_map(|it| {
            let counter = locked.get(it.key);
            counter.standings(it.key.scope, it.list, now).reduce(Standing::nearer)
        });
        standings.reduce(Standing::nearer)
    }

    /// Returns the limits of which the greatest part is used or reserved, at least so many thousandths and at most `most` limits,
    /// and whether there are more. `sums` are those in the database, as other replicas may have counted visitors and addresses
    /// that this one does not know.
    #[must_use]
    pub fn near(
        &self,
        least_per_mille: u64,
        most: usize,
        sums: &DatabaseSums,
        now: Timestamp,
    ) -> (Vec<LimitUsage>, bool) {
        let (mut usages, mut unknown) = (Vec::new(), sums.keys().map(|(key, _)| *key).collect::<BTreeSet<_>>());
        let mut add = |key: LimitKey, counter: &Counter| {
            usages.extend(near(key, counter, self.applied_by(key).list, sums, least_per_mille, now));
        };
        self.counts.for_each(|key, counter| {
            unknown.remove(&key);
            add(key, counter);
        });
        for key in unknown {
            add(key, &Counter::default());
        }
        let has_more = keep_nearest(&mut usages, most);
        (usages, has_more)
    }

    /// Returns the limits of a scope, each with the least amount that is so many thousandths of it.
    pub fn thresholds(&self, scope: LimitScope, least_per_mille: u64) -> impl Iterator<Item = (Limit, u64)> + '_ {
        scope.limits(&self.settings).list.iter().map(move |limit| {
            let least = (u128::from(limit.amount) * u128::from(least_per_mille)).div_ceil(1000).max(1);
            (limit, u64::try_from(least).unwrap_or(u64::MAX))
        })
    }

    /// Forgets the usage of a key. Returns whether there was any. Running turns keep their reservations.
    pub fn forget_usage(&self, key: LimitKey, now: Timestamp) -> bool {
        let mut locked = self.counts.lock([key].into_iter());
        let Some(counter) = locked.find(key) else { return false };
        let had_usage = !counter.is_empty(now);
        counter.forget_usage();
        had_usage
    }

    /// Returns what the database is to be told of windows that go on. `with_refused`: also of those whose turns were refused, as
    /// their sum may be lower by now. Counters whose windows are over are dropped.
    pub fn news(&self, windows: &[LimitWindow], with_refused: bool, now: Timestamp) -> Vec<CountNews> {
        self.counts.news(windows, with_refused, now)
    }

    /// Takes decreases of sums as done, which the database was told without an answer.
    pub fn assume_decreased(&self, told: &[CountNews], now: Timestamp) {
        self.counts.assume_decreased(told, now);
    }

    /// Takes over the sum that the database has of a window that goes on.
    pub fn share(&self, key: LimitKey, shared: Shared, now: Timestamp) {
        self.counts.share(key, shared, now);
    }

    /// Sets the sum of a window that goes on when this process begins.
    pub fn begin(&self, key: LimitKey, window: LimitWindow, sum: Amounts, now: Timestamp) {
        self.counts.begin(key, now, window, sum);
    }
}

/// Replaces what is reserved for a turn in all its counters.
fn replace_reserved(locked: &mut Locked<'_>, turn: &Reserved, reserved: Amounts, expected: Amounts) {
    for key in &turn.keys {
        if let Some(counter) = locked.find(*key) {
            counter.reserve_anew(turn.windows, reserved, expected);
        }
    }
}

/// Fails with the limit that has the longest wait among those that are reached in these windows.
fn check(
    applied: &[Applied<'_>],
    locked: &mut Locked<'_>,
    windows: Windows,
    now: Timestamp,
) -> Result<(), LimitReached> {
    let mut longest: Option<LimitReached> = None;
    for Applied { key, list } in applied {
        if let Some(counter) = locked.find(*key)
            && let Err(reached) = counter.check(key.scope, list, windows, now)
        {
            counter.note_refusal();
            longest = longest.filter(|other| other.wait > reached.wait).or(Some(reached));
        }
    }
    longest.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{account::OwnerId, client_ip::ClientIp, limits::AskerId},
        foundation::config::{Config, Source},
    };

    const ONE: Amounts = Amounts { turns: 1, tokens: 10, cost: 0 };

    fn noon() -> Timestamp {
        "2026-05-04T12:00:15Z".parse().unwrap()
    }

    fn limits(settings: &[(&str, &str)]) -> UsageLimits {
        let config = Config::read(&Source::of_pairs(settings.iter().copied())).unwrap();
        UsageLimits::new(config.limits, &SigningSecret::generate())
    }

    fn asker(owner: i64, address: u8, is_local: bool) -> Asker {
        let address = ClientIp::from_peer([192, 0, 2, address].into());
        Asker { id: AskerId::Account(OwnerId(owner)), address, is_local }
    }

    fn rest(limits: &UsageLimits, asker: &Asker) -> Option<(LimitScope, u64)> {
        limits.nearest(asker, noon()).map(|standing| (standing.scope, standing.remaining))
    }

    #[test]
    fn defaults_leave_this_machine_out_and_set_limits_do_not() {
        let default = limits(&[]);
        assert_eq!(rest(&default, &asker(1, 1, true)), None);
        assert_eq!(rest(&default, &asker(1, 1, false)), Some((LimitScope::Visitor, 20)));
        let set = limits(&[("LIMIT_ADDRESS", "5/day")]);
        assert_eq!(rest(&set, &asker(1, 1, true)), Some((LimitScope::Address, 5)));
    }

    #[test]
    fn nothing_is_estimated_and_counted_where_nothing_limits() {
        let limits = limits(&[("LIMIT_VISITOR", "off"), ("LIMIT_ADDRESS", "off")]);
        let mut turn = limits.reserve(&asker(1, 1, false), || unreachable!(), noon()).unwrap();
        assert_eq!(limits.reserve_anew(&mut turn, || unreachable!(), noon()), Ok(()));
        limits.settle(&turn, ONE);
        assert!(limits.news(&LimitWindow::ALL, true, noon()).is_empty());
    }

    #[test]
    fn a_larger_reservation_needs_room_beside_all_others() {
        let limits = limits(&[("LIMIT_VISITOR", "off"), ("LIMIT_ADDRESS", "off"), ("LIMIT_TOTAL", "100tokens/day")]);
        let of = |tokens| Amounts { tokens, ..ONE };
        let [mut first, mut second] =
            [1, 2].map(|owner| limits.reserve(&asker(owner, 1, false), || ONE, noon()).unwrap());
        assert_eq!(limits.reserve_anew(&mut first, || of(200), noon()), Ok(()));
        let refused = limits.reserve_anew(&mut second, || of(11), noon()).unwrap_err();
        assert_eq!((refused.scope, refused.is_used, second.amounts()), (LimitScope::Total, false, ONE));
        assert_eq!(limits.reserve_anew(&mut second, || of(5), noon()), Ok(()), "less needs no room");
        limits.settle(&first, Amounts::default());
        assert_eq!(rest(&limits, &asker(3, 1, false)), Some((LimitScope::Total, 95)));
        let later = noon() + SignedDuration::from_hours(24);
        limits.settle(&limits.reserve(&asker(1, 1, false), || of(100), later).unwrap(), of(100));
        assert_eq!(limits.reserve_anew(&mut second, || of(50), later), Ok(()), "its day is over");
    }

    proptest! {
        /// Whatever happens, each scope counts the admitted turns of its visitors, and no refused one.
        #[test]
        fn a_turn_is_counted_in_all_scopes_or_in_none(
            turns in proptest::collection::vec((0..4_i64, 0..3_u8, any::<bool>()), 1..100),
        ) {
            let limits = limits(&[("LIMIT_VISITOR", "9/day"), ("LIMIT_ADDRESS", "12/day"), ("LIMIT_TOTAL", "20/day")]);
            let (mut by_visitor, mut by_address, mut all) = ([0; 4], [0; 3], 0);
            for (owner, address, is_free) in turns {
                let asker = asker(owner, address, false);
                let (visitor, at) = (usize::try_from(owner).unwrap(), usize::from(address));
                let has_room = by_visitor[visitor] < 9 && by_address[at] < 12 && all < 20;
                let turn = limits.reserve(&asker, || ONE, noon());
                prop_assert_eq!(turn.is_ok(), has_room);
                if let Ok(turn) = turn {
                    let used = if is_free { Amounts::default() } else { ONE };
                    limits.settle(&turn, used);
                    by_visitor[visitor] += used.turns;
                    by_address[at] += used.turns;
                    all += used.turns;
                }
            }
            let news = limits.news(&[LimitWindow::Day], false, noon());
            let total = news.iter().map(|it| it.unshared.used.turns).sum::<u64>();
            prop_assert_eq!(total, 3 * all);
        }
    }
}

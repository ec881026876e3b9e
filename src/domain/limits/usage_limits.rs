//! The admission of turns by the limits of those who ask.

use std::sync::{Arc, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;

use super::{
    amounts::Amounts,
    asker::Asker,
    counter::{Counter, Shared, Windows},
    counts::{CountNews, Counts, SharedCounter, locked},
    group::{LimitGroup, limits_for},
    key::{LimitKey, LimitKeys},
    reached::{LimitReached, Standing},
    scope::LimitScope,
};
use crate::{
    domain::tenant::Tenant,
    foundation::{
        config::{LimitList, LimitWindow, Limits},
        secret::SigningSecret,
    },
};

/// The limits of all scopes, and what is used of them. Times are those by which all replicas count.
#[derive(Debug)]
pub struct UsageLimits {
    settings: RwLock<Arc<Limits>>,
    pub(super) keys: LimitKeys,
    pub(super) counts: Counts,
}

/// A turn that is reserved, until it is settled.
#[derive(Debug)]
pub struct Reserved {
    counters: Vec<ScopeCounter>,
    tenant: Option<Tenant>,
    windows: Windows,
    amounts: Amounts,
}

impl Reserved {
    /// Returns what is reserved.
    #[must_use]
    pub fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// Returns the scopes in which the turn is counted.
    pub fn scopes(&self) -> impl Iterator<Item = LimitScope> {
        self.counters.iter().map(|counter| counter.scope)
    }
}

/// The counter of a scope in which a turn is counted.
#[derive(Debug)]
struct ScopeCounter {
    scope: LimitScope,
    counter: SharedCounter,
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
        Self { settings: RwLock::new(Arc::new(settings)), keys: LimitKeys::new(secret), counts: Counts::default() }
    }

    /// Returns the limits of the settings.
    pub(super) fn settings(&self) -> Arc<Limits> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the limits of the settings. What was used of them is still counted.
    pub fn replace_settings(&self, settings: Limits) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Returns a key that no other asker has: of the API key, or else of the visitor, at a site for this site only. It does not
    /// depend on what is limited.
    #[must_use]
    pub fn asker_key(&self, asker: &Asker) -> LimitKey {
        let scope = if matches!(asker.tenant, Some(Tenant::Key(_))) { LimitScope::Key } else { LimitScope::Visitor };
        self.keys.key(LimitGroup { scope, tenant: asker.tenant.as_ref().map(Tenant::name) }, asker)
    }

    /// Returns the key of whoever asks in a scope; `None` if the scope does not apply.
    #[must_use]
    pub fn key(&self, scope: LimitScope, asker: &Asker) -> Option<LimitKey> {
        let settings = self.settings();
        let limits = limits_for(scope, asker.tenant.as_ref(), &settings)?;
        Some(self.keys.key(limits.group, asker))
    }

    /// Returns the scopes that limit the turns of whoever asks, the narrowest first.
    fn applied<'a>(&'a self, asker: &'a Asker, settings: &'a Limits) -> impl Iterator<Item = Applied<'a>> {
        let limits =
            LimitScope::OF_TURNS.into_iter().filter_map(|scope| limits_for(scope, asker.tenant.as_ref(), settings));
        let applied = limits.filter(|limits| !(limits.list.is_off() || limits.is_default && asker.is_local));
        applied.map(|limits| Applied { key: self.keys.key(limits.group, asker), list: limits.list })
    }

    /// Fails if a turn would be refused now.
    pub fn check(&self, asker: &Asker, now: Timestamp) -> Result<(), LimitReached> {
        let (settings, windows) = (self.settings(), Windows::at(now));
        longest(self.applied(asker, &settings).filter_map(|Applied { key, list }| {
            refusal(&mut locked(&*self.counts.find(key)?), key.scope(), list, windows, now)
        }))
    }

    /// Reserves what a turn is expected to use in all scopes, or in none if one refuses it.
    pub fn reserve(
        &self,
        asker: &Asker,
        expected: impl FnOnce() -> Amounts,
        now: Timestamp,
    ) -> Result<Reserved, LimitReached> {
        let (settings, windows) = (self.settings(), Windows::at(now));
        let (mut lists, mut counters) = (Vec::new(), Vec::new());
        for Applied { key, list } in self.applied(asker, &settings) {
            lists.push(list);
            counters.push(ScopeCounter { scope: key.scope(), counter: self.counts.get_or_insert(key, now) });
        }
        let amounts = if counters.is_empty() { Amounts::default() } else { expected() };
        let mut all = lock_all(&counters);
        check(&counters, &mut all, lists.into_iter().map(Some), windows, now)?;
        for counter in &mut all {
            counter.reserve(windows, amounts);
        }
        drop(all);
        Ok(Reserved { counters, tenant: asker.tenant.clone(), windows, amounts })
    }

    /// Replaces what is reserved for a turn. More than before is reserved only if what all others use and have reserved leaves
    /// room, as for a new turn. Otherwise the reservation stays as it was.
    pub fn reserve_anew(
        &self,
        turn: &mut Reserved,
        expected: impl FnOnce() -> Amounts,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        if turn.counters.is_empty() {
            return Ok(());
        }
        let expected = expected();
        // Most turns are sent as they were reserved: the counters need not be locked.
        if expected == turn.amounts {
            return Ok(());
        }
        let settings = self.settings();
        let list = |it: &ScopeCounter| Some(limits_for(it.scope, turn.tenant.as_ref(), &settings)?.list);
        let mut all = lock_all(&turn.counters);
        for counter in &mut all {
            counter.reserve_anew(turn.windows, turn.amounts, Amounts::default());
        }
        let is_more = expected.max_of_each(turn.amounts) != turn.amounts;
        let lists = turn.counters.iter().map(list);
        let checked = if is_more { check(&turn.counters, &mut all, lists, turn.windows, now) } else { Ok(()) };
        let reserved = if checked.is_ok() { expected } else { turn.amounts };
        for counter in &mut all {
            counter.reserve_anew(turn.windows, Amounts::default(), reserved);
        }
        drop(all);
        turn.amounts = reserved;
        checked
    }

    /// Replaces what is reserved for a turn by what it used. To be called once for each turn.
    pub fn settle(&self, turn: &Reserved, used: Amounts) {
        for ScopeCounter { counter, .. } in &turn.counters {
            locked(counter).settle(turn.windows, turn.amounts, used);
        }
    }

    /// Returns what is left of the limit that is nearest to its end; `None` if nothing limits whoever asks.
    #[must_use]
    pub fn nearest(&self, asker: &Asker, now: Timestamp) -> Option<Standing> {
        let settings = self.settings();
        let standings = self.applied(asker, &settings).filter_map(|it| {
            let counter = self.counts.find(it.key).map(|counter| *locked(&counter)).unwrap_or_default();
            counter.standings(it.key.scope(), it.list, now).reduce(Standing::nearer)
        });
        standings.reduce(Standing::nearer)
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

/// Locks the counters of a turn, always from the narrowest scope to the widest, so that two turns never wait for each other.
fn lock_all(counters: &[ScopeCounter]) -> Vec<MutexGuard<'_, Counter>> {
    counters.iter().map(|it| locked(&it.counter)).collect()
}

/// Fails with the limit that has the longest wait among those that are reached in these windows. A scope without a list has no
/// limit any more.
fn check<'a>(
    counters: &[ScopeCounter],
    all: &mut [MutexGuard<'_, Counter>],
    lists: impl Iterator<Item = Option<&'a LimitList>>,
    windows: Windows,
    now: Timestamp,
) -> Result<(), LimitReached> {
    let limited = counters.iter().zip(all).zip(lists);
    longest(limited.filter_map(|((it, counter), list)| refusal(counter, it.scope, list?, windows, now)))
}

/// Returns the limit of a counter that is reached, and notes that it was.
fn refusal(
    counter: &mut Counter,
    scope: LimitScope,
    list: &LimitList,
    windows: Windows,
    now: Timestamp,
) -> Option<LimitReached> {
    let reached = counter.check(scope, list, windows, now).err()?;
    counter.note_refusal();
    Some(reached)
}

/// Fails with the one that has the longest wait.
fn longest(reached: impl Iterator<Item = LimitReached>) -> Result<(), LimitReached> {
    reached.max_by_key(|reached| reached.wait).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{
            account::OwnerId,
            client_ip::ClientIp,
            limits::{AskerId, DatabaseSums, test_counts::noon},
            tenant::{ApiKeyTerms, PausedBy, Site, SiteLimits, SitePause, TenantName},
        },
        foundation::config::{Config, SiteSettings, Source},
    };

    const ONE: Amounts = Amounts { turns: 1, tokens: 10, cost: 0 };

    fn limits(settings: &[(&str, &str)]) -> UsageLimits {
        let config = Config::read(&Source::of_pairs(settings.iter().copied())).unwrap();
        UsageLimits::new(config.limits, &SigningSecret::generate())
    }

    fn asker(owner: i64, address: u8, is_local: bool) -> Asker {
        let address = ClientIp::from_peer([192, 0, 2, address].into());
        Asker { id: AskerId::Account(OwnerId(owner)), address, is_local, tenant: None }
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

    fn list(text: &str) -> LimitList {
        LimitList::parse(text).unwrap()
    }

    fn name(text: &str) -> TenantName {
        TenantName::parse(text).unwrap()
    }

    fn site(id: &str, limits: SiteLimits) -> Tenant {
        let (id, origins) = (name(id), Vec::new());
        let settings = SiteSettings { line: 1, id, origins, persona: None, models: None, limits, paused: false };
        let pause = Arc::new(SitePause::new(PausedBy::default()));
        Tenant::Site(Arc::new(Site { settings, pause }))
    }

    fn key(id: &str, limits: Option<&str>) -> Tenant {
        Tenant::Key(Arc::new(ApiKeyTerms { name: name(id), limits: limits.map(list), models: None }))
    }

    fn at(tenant: &Tenant, owner: i64, address: u8) -> Asker {
        Asker { tenant: Some(tenant.clone()), ..asker(owner, address, false) }
    }

    /// Uses turns until one is refused, at most 100. Returns their number, and the scope that has refused.
    fn use_up(limits: &UsageLimits, asker: &Asker) -> (usize, Option<LimitScope>) {
        for used in 0..100 {
            match limits.reserve(asker, || ONE, noon()) {
                Ok(turn) => limits.settle(&turn, ONE),
                Err(refused) => return (used, Some(refused.scope)),
            }
        }
        (100, None)
    }

    #[test]
    fn a_site_has_its_own_limits_and_its_neighbour_does_not() {
        use LimitScope::{Site, Total, Visitor};
        let limits = limits(&[("LIMIT_VISITOR", "3/day"), ("LIMIT_TOTAL", "20/day")]);
        let own = SiteLimits { visitor: Some(list("5/day")), address: None, site: list("8/day") };
        let (shop, blog) = (site("shop", own), site("blog", SiteLimits::default()));
        assert_eq!(use_up(&limits, &at(&shop, 1, 1)), (5, Some(Visitor)));
        assert_eq!(use_up(&limits, &at(&shop, 2, 2)), (3, Some(Site)));
        assert_eq!(use_up(&limits, &at(&blog, 2, 2)), (3, Some(Visitor)), "the settings' limit, counted by itself");
        assert_eq!(use_up(&limits, &asker(1, 1, false)), (3, Some(Visitor)));
        let no_limit = SiteLimits { visitor: Some(LimitList::default()), ..SiteLimits::default() };
        assert_eq!(use_up(&limits, &at(&site("open", no_limit), 3, 3)), (6, Some(Total)));
    }

    #[test]
    fn an_api_key_is_limited_as_a_whole_and_not_by_visitors() {
        let limits = limits(&[("LIMIT_VISITOR", "1/day"), ("LIMIT_ADDRESS", "1/day"), ("LIMIT_KEY", "4/day")]);
        let (first, second) = (key("first", None), key("second", Some("7/day")));
        for (tenant, expected) in [(&first, 4), (&second, 7), (&key("third", Some("off")), 100)] {
            let (used, scope) = use_up(&limits, &at(tenant, 1, 1));
            assert_eq!((used, scope), (expected, (expected < 100).then_some(LimitScope::Key)), "{tenant:?}");
        }
        assert_eq!(rest(&limits, &asker(1, 1, false)), Some((LimitScope::Visitor, 1)));
    }

    #[test]
    fn the_operator_sees_limits_of_tenants_by_their_names() {
        let off = ["VISITOR", "ADDRESS", "SESSIONS", "HANDOVERS", "FEEDBACK"].map(|scope| format!("LIMIT_{scope}"));
        let off = off.iter().map(|name| (name.as_str(), "off"));
        let limits = limits(&off.chain([("LIMIT_KEY", "4/day")]).collect::<Vec<_>>());
        let own = SiteLimits { visitor: Some(list("2/day")), address: None, site: list("2/day") };
        let tenants = [site("shop", own), key("shop", None)];
        for tenant in &tenants {
            use_up(&limits, &at(tenant, 1, 1));
        }
        let shown = |tenants: &[Tenant]| {
            let (usages, has_more) = limits.near(tenants, 1000, 10, &DatabaseSums::new(), noon());
            assert!(!has_more);
            let shown = usages.iter().map(|usage| (usage.key.to_string(), usage.used, usage.limit.amount));
            shown
                .map(|(key, used, amount)| (key.split(':').next().unwrap().to_owned(), used, amount))
                .collect::<Vec<_>>()
        };
        let row = |group: &str, amount| (group.to_owned(), amount, amount);
        assert_eq!(shown(&tenants), [row("visitor@shop", 2), row("site@shop", 2), row("key@shop", 4)]);
        assert_eq!(shown(&[]), []);
        let mut thresholds = limits.thresholds(&tenants, 500);
        thresholds.sort_unstable_by_key(|(group, ..)| *group);
        let thresholds = thresholds.iter().map(|(group, _, least)| (group.to_string(), *least)).collect::<Vec<_>>();
        let expected = [("visitor@shop", 1), ("site@shop", 1), ("key@shop", 2)];
        assert_eq!(thresholds, expected.map(|(group, least)| (group.to_owned(), least)));
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

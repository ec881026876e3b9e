//! What makes guessing slow without locking anybody out.
//!
//! Wrong passwords are counted for each account, for each address, and for each pair of them, a *lane*. Where there
//! were many, the next attempt has to pause. Only within its lane an attempt waits for others, and is refused when that
//! would take too long: so whoever guesses at an account holds up nobody who comes from elsewhere.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use moka::sync::Cache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};

use crate::domain::{account::LoginName, client_ip::ClientIp};

/// Wrong passwords for an account that don't slow the next attempt down. Each further one doubles the pause.
const FREE_OF_ACCOUNT: u32 = 5;

/// The same for an address, where a whole school may be: that many are free, and that many more double the pause.
const FREE_OF_ADDRESS: u32 = 20;
const STEP_OF_ADDRESS: u32 = 10;

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause. Two of them are less than an attempt may take.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long an attempt may take until its password is hashed.
const PATIENCE: Duration = Duration::from_millis(4200);

/// How long nothing must happen for failures to be forgotten. Those of an address, where always something happens, are
/// forgotten that long after the first.
const MEMORY: Duration = Duration::from_mins(15);

/// Accounts, addresses and lanes remembered, of each.
const MOST: u64 = 100_000;

/// Registrations from one address within [`WINDOW`].
const REGISTRATIONS: u32 = 300;

/// Long, so that a class may register within a minute, and yet nobody goes on like that.
const WINDOW: Duration = Duration::from_mins(10);

/// Too much was tried; nothing is wrong with trying again then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch {
    pub(super) retry_after: Duration,
}

/// Attempts on one account from one address.
#[derive(Debug)]
struct Lane {
    /// One for each failure that is still free, and one in any case: so as many can be guessed at once, not more.
    places: Arc<Semaphore>,
    failures: Mutex<u32>,
    /// Attempts that are on their way here.
    attempts: AtomicUsize,
}

impl Lane {
    fn new() -> Self {
        let places = Arc::new(Semaphore::new(FREE_OF_ACCOUNT as usize));
        Self { places, failures: Mutex::new(0), attempts: AtomicUsize::new(0) }
    }

    fn failures(&self) -> u32 {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a failure; its place is lost, save the last one.
    fn fail(&self, place: OwnedSemaphorePermit) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = failures.saturating_add(1);
        if *failures < FREE_OF_ACCOUNT {
            place.forget();
        }
    }

    /// Forgets all failures. Returns how many there were.
    fn clear(&self) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let cleared = std::mem::take(&mut *failures);
        self.places.add_permits(cleared.min(FREE_OF_ACCOUNT - 1) as usize);
        cleared
    }
}

/// Counts an attempt as long as it lasts.
#[derive(Debug)]
struct InLane(Arc<Lane>);

impl InLane {
    fn enter(lane: Arc<Lane>) -> (Self, usize) {
        let before = lane.attempts.fetch_add(1, Relaxed);
        (Self(lane), before)
    }
}

impl Drop for InLane {
    fn drop(&mut self) {
        self.0.attempts.fetch_sub(1, Relaxed);
    }
}

/// Leave to try one password.
#[derive(Debug)]
pub(super) struct Attempt {
    lane: InLane,
    place: OwnedSemaphorePermit,
    of_account: Arc<AtomicU32>,
    of_address: Arc<AtomicU32>,
    /// Until when the password has to be at work.
    pub(super) deadline: Instant,
}

impl Attempt {
    /// The password was right: what failed before in this lane was nobody else.
    pub(super) fn succeed(self) {
        let cleared = self.lane.0.clear();
        for count in [self.of_account, self.of_address] {
            // Never fails: the closure always gives a number.
            let _ = count.fetch_update(Relaxed, Relaxed, |failures| Some(failures.saturating_sub(cleared)));
        }
    }

    /// The password was wrong.
    pub(super) fn fail(self) {
        self.lane.0.fail(self.place);
        for count in [self.of_account, self.of_address] {
            count.fetch_add(1, Relaxed);
        }
    }
}

/// Remembers what failed, and paces what comes next.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Names are remembered by a hash, so that long ones take no more room. Its key is this process's own.
    hasher: RandomState,
    lanes: Cache<(u64, ClientIp), Arc<Lane>>,
    accounts: Cache<u64, Arc<AtomicU32>>,
    addresses: Cache<ClientIp, Arc<AtomicU32>>,
    registrations: Cache<ClientIp, Arc<AtomicU32>>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            lanes: Cache::builder().max_capacity(MOST).time_to_idle(MEMORY).build(),
            accounts: Cache::builder().max_capacity(MOST).time_to_idle(MEMORY).build(),
            addresses: Cache::builder().max_capacity(MOST).time_to_live(MEMORY).build(),
            registrations: Cache::builder().max_capacity(MOST).time_to_live(WINDOW).build(),
        }
    }

    /// Waits until a password may be tried. Whether there is an account of that name makes no difference.
    pub(super) async fn admit(&self, name: &LoginName, address: ClientIp) -> Result<Attempt, TooMuch> {
        let deadline = Instant::now() + PATIENCE;
        let account = self.hasher.hash_one(name);
        let of_account = self.accounts.get_with(account, Arc::default);
        let of_address = self.addresses.get_with(address, Arc::default);
        let (lane, before) = InLane::enter(self.lanes.get_with((account, address), || Arc::new(Lane::new())));
        let lanes_pause = || pause(lane.0.failures(), FREE_OF_ACCOUNT, 1);
        let longest_pause = || {
            let of_account = pause(of_account.load(Relaxed), FREE_OF_ACCOUNT, 1);
            let of_address = pause(of_address.load(Relaxed), FREE_OF_ADDRESS, STEP_OF_ADDRESS);
            lanes_pause().max(of_account).max(of_address)
        };
        // One whose turn would come too late is told at once.
        let queue = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        let retry_after = longest_pause().max(Duration::from_secs(1));
        if !lanes_pause().is_zero() && longest_pause().saturating_mul(queue) > PATIENCE {
            return Err(TooMuch { retry_after });
        }
        let place = timeout_at(deadline, Arc::clone(&lane.0.places).acquire_owned()).await;
        let (Ok(Ok(place)), true) = (place, Instant::now() + longest_pause() < deadline) else {
            return Err(TooMuch { retry_after });
        };
        sleep(longest_pause()).await;
        Ok(Attempt { lane, place, of_account, of_address, deadline })
    }

    /// Counts a registration from this address.
    pub(super) fn admit_registration(&self, address: ClientIp) -> Result<Instant, TooMuch> {
        let count = self.registrations.get_with(address, Arc::default);
        if count.fetch_add(1, Relaxed) < REGISTRATIONS {
            Ok(Instant::now() + PATIENCE)
        } else {
            Err(TooMuch { retry_after: WINDOW })
        }
    }
}

/// How long an attempt pauses after so many failures, of which some are free, and some more double the pause.
fn pause(failures: u32, free: u32, step: u32) -> Duration {
    match failures.checked_sub(free) {
        None => Duration::ZERO,
        Some(further) => FIRST_PAUSE.saturating_mul(1 << (further / step).min(16)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use proptest::prelude::*;

    use super::*;

    fn address(last: u8) -> ClientIp {
        ClientIp::from_peer([192, 0, 2, last].into())
    }

    fn ada() -> LoginName {
        LoginName::Username("ada".to_owned())
    }

    /// A wrong password. Returns how long it took, and whether it was taken.
    async fn guess(throttle: &Throttle, name: &LoginName, from: ClientIp) -> (Duration, bool) {
        let started = Instant::now();
        let attempt = throttle.admit(name, from).await;
        let taken = attempt.map(Attempt::fail).is_ok();
        (started.elapsed(), taken)
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_become_slow_and_are_never_locked_out() {
        let throttle = Throttle::new();
        for free in 0..5 {
            assert_eq!(guess(&throttle, &ada(), address(1)).await, (Duration::ZERO, true), "{free}");
        }
        for millis in [250, 500, 1000, 2000, 2000, 2000] {
            let (took, taken) = guess(&throttle, &ada(), address(1)).await;
            assert!(taken && took.abs_diff(Duration::from_millis(millis)) < Duration::from_millis(5), "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_flood_in_one_lane_only_a_few_are_taken() {
        let throttle = Throttle::new();
        let (name, from) = (ada(), address(1));
        let flood = || join_all((0..1000).map(|_| guess(&throttle, &name, from)));
        let taken = flood().await.into_iter().filter(|(_, taken)| *taken).count();
        assert!((5..=9).contains(&taken), "{taken}");
        let again = flood().await;
        assert!(again.iter().filter(|(_, taken)| *taken).count() <= 2);
        assert!(again.iter().all(|(took, _)| *took <= PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_elsewhere_holds_the_owner_up_for_one_pause_at_the_most() {
        let throttle = Throttle::new();
        let name = ada();
        let flood = join_all((0..1000).map(|_| guess(&throttle, &name, address(1))));
        let owner = async {
            for _ in 0..20 {
                let started = Instant::now();
                let attempt = throttle.admit(&name, address(2)).await;
                attempt.expect("the owner is let in").succeed();
                assert!(started.elapsed() <= LONGEST_PAUSE + Duration::from_millis(5));
            }
        };
        tokio::join!(flood, owner);
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_password_makes_up_for_wrong_ones() {
        let throttle = Throttle::new();
        for _ in 0..8 {
            guess(&throttle, &ada(), address(1)).await;
        }
        throttle.admit(&ada(), address(1)).await.expect("a place").succeed();
        for free in 0..5 {
            assert_eq!(guess(&throttle, &ada(), address(1)).await, (Duration::ZERO, true), "{free}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn right_passwords_at_once_are_all_taken() {
        let throttle = Throttle::new();
        let name = ada();
        let logins = (0..200).map(|_| async {
            let attempt = throttle.admit(&name, address(1)).await.expect("a place");
            sleep(Duration::from_millis(20)).await;
            attempt.succeed();
        });
        join_all(logins).await;
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_at_many_accounts_slow_an_address_down() {
        let throttle = Throttle::new();
        for number in 0..20 {
            let name = LoginName::Username(number.to_string());
            assert_eq!(guess(&throttle, &name, address(1)).await, (Duration::ZERO, true));
        }
        let (took, taken) = guess(&throttle, &ada(), address(1)).await;
        assert!(taken && took >= FIRST_PAUSE, "{took:?}");
        assert_eq!(guess(&throttle, &ada(), address(2)).await, (Duration::ZERO, true));
    }

    #[test]
    fn registrations_are_bounded_for_each_address() {
        let throttle = Throttle::new();
        let admitted = (0..REGISTRATIONS + 100).filter(|_| throttle.admit_registration(address(1)).is_ok()).count();
        assert_eq!(admitted, REGISTRATIONS as usize);
        assert!(throttle.admit_registration(address(2)).is_ok());
    }

    proptest! {
        #[test]
        fn pauses_grow_and_have_an_end(failures: u32, free in 0..100_u32, step in 1..100_u32) {
            let it = pause(failures, free, step);
            prop_assert_eq!(it.is_zero(), failures < free);
            prop_assert!(it <= LONGEST_PAUSE && it <= pause(failures.saturating_add(1), free, step));
        }
    }
}

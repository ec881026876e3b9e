//! Slows down the guessing of passwords without locking accounts.
//!
//! Wrong passwords are counted per account, per client address, and per pair of both. After several failures, the next
//! attempt pauses. Attempts wait for each other, and are refused when the wait would be too long, only within one pair:
//! so guesses from one address never keep an account's owner at another address from logging in.

mod attempt;
mod failures;
mod pauses;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use moka::sync::Cache;
use tokio::time::{Instant, sleep, timeout_at};

use self::{
    attempt::{Attempt, Waiting},
    failures::{Failures, PairFailures},
};
use crate::domain::{account::LoginName, client_ip::ClientIp};

/// The maximum time from the start of an attempt until its password is being verified.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(4200);

/// The shortest time after which a refused client is asked to try again.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The time after which failures are forgotten: since the last one for an account or a pair, since the first one for an
/// address, which many people may share.
const FAILURES_TTL: Duration = Duration::from_mins(15);

/// The maximum number of accounts, of addresses and of pairs whose failures are counted.
const MAX_COUNTED: u64 = 100_000;

/// The maximum number of registrations from one address within [`REGISTRATION_WINDOW`].
const MAX_REGISTRATIONS: u32 = 300;

/// The time within which registrations are counted. A whole class can register within a minute, but no client can go on
/// at that rate.
const REGISTRATION_WINDOW: Duration = Duration::from_mins(10);

/// The error for an attempt or a registration that is refused because there were too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    pub(super) retry_after: Duration,
}

/// Counts failed attempts and registrations, and delays or refuses further ones.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Hashes login names, so that long names use no more memory than short ones. Seeded per process.
    hasher: RandomState,
    pairs: Cache<(u64, ClientIp), Arc<PairFailures>>,
    accounts: Cache<u64, Arc<AtomicU32>>,
    clients: Cache<ClientIp, Arc<AtomicU32>>,
    registrations: Cache<ClientIp, Arc<AtomicU32>>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            pairs: Cache::builder().max_capacity(MAX_COUNTED).time_to_idle(FAILURES_TTL).build(),
            accounts: Cache::builder().max_capacity(MAX_COUNTED).time_to_idle(FAILURES_TTL).build(),
            clients: Cache::builder().max_capacity(MAX_COUNTED).time_to_live(FAILURES_TTL).build(),
            registrations: Cache::builder().max_capacity(MAX_COUNTED).time_to_live(REGISTRATION_WINDOW).build(),
        }
    }

    /// Waits until a password may be tried. The wait does not depend on whether an account has the name.
    pub(super) async fn admit(&self, name: &LoginName, client: ClientIp) -> Result<Attempt, Throttled> {
        let deadline = Instant::now() + ATTEMPT_TIMEOUT;
        let failures = self.failures(name, client);
        let (waiting, ahead) = Waiting::join(&failures.pair);
        let throttled = Throttled { retry_after: failures.pause().max(MIN_RETRY_AFTER) };
        // Refuses at once what would time out in the queue.
        if failures.expected_wait(ahead) > ATTEMPT_TIMEOUT {
            return Err(throttled);
        }
        let permit = timeout_at(deadline, failures.pair.acquire()).await;
        let (Ok(Some(permit)), true) = (permit, Instant::now() + failures.pause() < deadline) else {
            return Err(throttled);
        };
        sleep(failures.pause()).await;
        Ok(Attempt::new(failures, waiting, permit, deadline))
    }

    fn failures(&self, name: &LoginName, client: ClientIp) -> Failures {
        let account = self.hasher.hash_one(name);
        Failures {
            pair: self.pairs.get_with((account, client), || Arc::new(PairFailures::new())),
            account: self.accounts.get_with(account, Arc::default),
            client: self.clients.get_with(client, Arc::default),
        }
    }

    /// Counts a registration from an address. Returns the deadline for hashing its password.
    pub(super) fn admit_registration(&self, client: ClientIp) -> Result<Instant, Throttled> {
        let count = self.registrations.get_with(client, Arc::default);
        if count.fetch_add(1, Relaxed) < MAX_REGISTRATIONS {
            Ok(Instant::now() + ATTEMPT_TIMEOUT)
        } else {
            Err(Throttled { retry_after: REGISTRATION_WINDOW })
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::{
        pauses::{FIRST_PAUSE, MAX_PAUSE},
        *,
    };

    fn client(last: u8) -> ClientIp {
        ClientIp::from_peer([192, 0, 2, last].into())
    }

    fn ada() -> LoginName {
        LoginName::Username("ada".to_owned())
    }

    /// Tries a wrong password. Returns how long that took, and whether the attempt was admitted.
    async fn guess(throttle: &Throttle, name: &LoginName, from: ClientIp) -> (Duration, bool) {
        let started = Instant::now();
        let attempt = throttle.admit(name, from).await;
        let admitted = attempt.map(Attempt::fail).is_ok();
        (started.elapsed(), admitted)
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_become_slow_and_are_never_locked_out() {
        let throttle = Throttle::new();
        for free in 0..5 {
            assert_eq!(guess(&throttle, &ada(), client(1)).await, (Duration::ZERO, true), "{free}");
        }
        for millis in [250, 500, 1000, 2000, 2000, 2000] {
            let (took, admitted) = guess(&throttle, &ada(), client(1)).await;
            assert!(admitted && took.abs_diff(Duration::from_millis(millis)) < Duration::from_millis(5), "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_one_address_is_mostly_refused() {
        let throttle = Throttle::new();
        let (name, from) = (ada(), client(1));
        let flood = || join_all((0..1000).map(|_| guess(&throttle, &name, from)));
        let admitted = flood().await.into_iter().filter(|(_, admitted)| *admitted).count();
        assert!((5..=9).contains(&admitted), "{admitted}");
        let again = flood().await;
        assert!(again.iter().filter(|(_, admitted)| *admitted).count() <= 2);
        assert!(again.iter().all(|(took, _)| *took <= ATTEMPT_TIMEOUT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_elsewhere_delays_the_owner_by_one_pause() {
        let throttle = Throttle::new();
        let name = ada();
        let flood = join_all((0..1000).map(|_| guess(&throttle, &name, client(1))));
        let owner = async {
            for _ in 0..20 {
                let started = Instant::now();
                let attempt = throttle.admit(&name, client(2)).await;
                attempt.expect("the owner is admitted").succeed();
                assert!(started.elapsed() <= MAX_PAUSE + Duration::from_millis(5));
            }
        };
        tokio::join!(flood, owner);
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_password_clears_failures() {
        let throttle = Throttle::new();
        for _ in 0..8 {
            guess(&throttle, &ada(), client(1)).await;
        }
        throttle.admit(&ada(), client(1)).await.expect("an attempt").succeed();
        for free in 0..5 {
            assert_eq!(guess(&throttle, &ada(), client(1)).await, (Duration::ZERO, true), "{free}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_right_passwords_are_all_admitted() {
        let throttle = Throttle::new();
        let name = ada();
        let logins = (0..200).map(|_| async {
            let attempt = throttle.admit(&name, client(1)).await.expect("an attempt");
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
            assert_eq!(guess(&throttle, &name, client(1)).await, (Duration::ZERO, true));
        }
        let (took, admitted) = guess(&throttle, &ada(), client(1)).await;
        assert!(admitted && took >= FIRST_PAUSE, "{took:?}");
        assert_eq!(guess(&throttle, &ada(), client(2)).await, (Duration::ZERO, true));
    }

    #[test]
    fn registrations_are_bounded_for_each_address() {
        let throttle = Throttle::new();
        let admitted = (0..MAX_REGISTRATIONS + 100).filter(|_| throttle.admit_registration(client(1)).is_ok()).count();
        assert_eq!(admitted, MAX_REGISTRATIONS as usize);
        assert!(throttle.admit_registration(client(2)).is_ok());
    }
}

//! Slows down the guessing of passwords without locking accounts.
//!
//! Wrong passwords are counted per account, per client address, per pair of both, and per network. After several failures, the
//! next attempt pauses, and fewer attempts are made at once. Attempts wait for each other, and are refused when the wait would be
//! too long, only within a pair, an address or a network: so guesses from one network never keep an account's owner at another
//! one from logging in.
//!
//! An owner is known at an address from which the account was logged in to before, and by a valid token. Known owners wait only
//! for failures of their own pair. So nobody at another address can keep them out.

mod attempt;
mod failures;
mod group;
mod pauses;
mod registrations;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use moka::sync::Cache;
use tokio::time::{Instant, sleep, timeout_at};

use self::{
    attempt::Attempt,
    failures::{Failures, Pair},
    group::Group,
    pauses::{PER_ADDRESS, PER_NETWORK},
    registrations::{REGISTRATION_WINDOW, Registrations},
};
use crate::domain::{
    account::LoginName,
    client_ip::{ClientIp, ClientNetwork, LoginClient},
};

/// The maximum time from the start of an attempt until its password is being verified.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(4200);

/// The shortest time after which a refused client is asked to try again.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The time after which failures are forgotten: since the last one for an account or a pair, since the first one for an
/// address or a network, which many people may share.
const FAILURES_TTL: Duration = Duration::from_mins(15);

/// The maximum number of accounts, of addresses, of networks and of pairs whose failures or registrations are counted, and of
/// known owners.
const MAX_COUNTED: u64 = 100_000;

/// The time for which an owner who does not log in stays known at an address.
const KNOWN_TTL: Duration = Duration::from_hours(90 * 24);

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
    pairs: Cache<(u64, ClientIp), Arc<Pair>>,
    accounts: Cache<u64, Arc<AtomicU32>>,
    addresses: Cache<LoginClient, Arc<Group>>,
    networks: Cache<ClientNetwork, Arc<Group>>,
    /// The hashes of names and clients with which accounts were logged in to.
    known: Cache<u64, ()>,
    registrations: Registrations,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            pairs: Cache::builder().max_capacity(MAX_COUNTED).time_to_idle(FAILURES_TTL).build(),
            accounts: Cache::builder().max_capacity(MAX_COUNTED).time_to_idle(FAILURES_TTL).build(),
            addresses: Cache::builder().max_capacity(MAX_COUNTED).time_to_live(FAILURES_TTL).build(),
            networks: Cache::builder().max_capacity(MAX_COUNTED).time_to_live(FAILURES_TTL).build(),
            known: Cache::builder().max_capacity(MAX_COUNTED).time_to_idle(KNOWN_TTL).build(),
            registrations: Registrations::new(MAX_COUNTED),
        }
    }

    /// Waits until a password may be tried. The wait does not depend on whether an account has the name. `has_token`: the
    /// request has a valid token of the account.
    pub(super) async fn admit(
        &self,
        name: &LoginName,
        client: LoginClient,
        has_token: bool,
    ) -> Result<Attempt, Throttled> {
        let deadline = Instant::now() + ATTEMPT_TIMEOUT;
        let failures = self.failures(name, client);
        let is_known = has_token || self.known.get(&self.hasher.hash_one((name, client))).is_some();
        let throttled = Throttled { retry_after: failures.pause(is_known).max(MIN_RETRY_AFTER) };
        let places = timeout_at(deadline, failures.enter(is_known, ATTEMPT_TIMEOUT)).await;
        let pause = failures.pause(is_known);
        let (Ok(Some(places)), true) = (places, Instant::now() + pause < deadline) else {
            return Err(throttled);
        };
        sleep(pause).await;
        Ok(Attempt::new(failures, places, is_known, deadline))
    }

    /// Notes that an account was logged in to with this name from here.
    pub(super) fn remember(&self, name: &LoginName, client: LoginClient) {
        self.known.insert(self.hasher.hash_one((name, client)), ());
    }

    fn failures(&self, name: &LoginName, client: LoginClient) -> Failures {
        let account = self.hasher.hash_one(name);
        Failures {
            // What a client may have made up does not make it another one.
            pair: self.pairs.get_with((account, client.address), || Arc::new(Pair::new())),
            account: self.accounts.get_with(account, Arc::default),
            address: self.addresses.get_with(client, || Arc::new(Group::new(PER_ADDRESS))),
            network: self.networks.get_with(client.address.network(), || Arc::new(Group::new(PER_NETWORK))),
        }
    }

    /// Counts a registration. Returns the deadline for hashing its password.
    pub(super) fn admit_registration(&self, client: LoginClient) -> Result<Instant, Throttled> {
        if self.registrations.admit(client) {
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

    fn client(last: u8) -> LoginClient {
        LoginClient { address: ClientIp::from_peer([192, 0, 2, last].into()), forwarded_for: None }
    }

    /// Returns an address of one /48 of IPv6.
    fn of_network(number: u16) -> LoginClient {
        let address = ClientIp::from_peer([0x2001, 0xdb8, 1, number, 0, 0, 0, 1].into());
        LoginClient { address, forwarded_for: None }
    }

    fn named(number: u16) -> LoginName {
        LoginName::Username(number.to_string())
    }

    fn ada() -> LoginName {
        LoginName::Username("ada".to_owned())
    }

    /// Tries a wrong password. Returns how long that took, and whether the attempt was admitted.
    async fn guess(throttle: &Throttle, name: &LoginName, from: LoginClient) -> (Duration, bool) {
        let started = Instant::now();
        let attempt = throttle.admit(name, from, false).await;
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
                let attempt = throttle.admit(&name, client(2), false).await;
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
        throttle.admit(&ada(), client(1), false).await.expect("an attempt").succeed();
        for free in 0..5 {
            assert_eq!(guess(&throttle, &ada(), client(1)).await, (Duration::ZERO, true), "{free}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_right_passwords_are_all_admitted() {
        let throttle = Throttle::new();
        let name = ada();
        let logins = (0..200).map(|_| async {
            let attempt = throttle.admit(&name, client(1), false).await.expect("an attempt");
            sleep(Duration::from_millis(20)).await;
            attempt.succeed();
        });
        join_all(logins).await;
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_at_many_accounts_slow_an_address_down() {
        let throttle = Throttle::new();
        for number in 0..20 {
            assert_eq!(guess(&throttle, &named(number), client(1)).await, (Duration::ZERO, true));
        }
        let (took, admitted) = guess(&throttle, &ada(), client(1)).await;
        assert!(admitted && took >= FIRST_PAUSE, "{took:?}");
        assert_eq!(guess(&throttle, &ada(), client(2)).await, (Duration::ZERO, true));
    }

    #[tokio::test(start_paused = true)]
    async fn few_names_can_be_guessed_at_from_one_address() {
        let throttle = Throttle::new();
        for most in [60, 12] {
            let flood = join_all((0..1000).map(|number| {
                let (throttle, name) = (&throttle, named(number));
                async move { guess(throttle, &name, client(1)).await }
            }));
            let flood = flood.await;
            let admitted = flood.iter().filter(|(_, admitted)| *admitted).count();
            assert!((2..=most).contains(&admitted), "{admitted}");
            assert!(flood.iter().all(|(took, _)| *took <= ATTEMPT_TIMEOUT));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_a_network_is_refused_and_delays_no_other() {
        let throttle = Throttle::new();
        let flood = join_all((0..1000).map(|number| {
            let (throttle, name) = (&throttle, named(number));
            async move { guess(throttle, &name, of_network(number)).await }
        }));
        let other = async {
            sleep(Duration::from_secs(1)).await;
            guess(&throttle, &named(1001), client(1)).await
        };
        let (flood, other) = tokio::join!(flood, other);
        let admitted = flood.iter().filter(|(_, admitted)| *admitted).count();
        assert!((100..=220).contains(&admitted), "{admitted}");
        assert!(other.1 && other.0 < Duration::from_millis(5), "{other:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn known_owners_wait_for_nobody_elsewhere() {
        let throttle = Throttle::new();
        throttle.remember(&ada(), client(2));
        for number in 0..100 {
            guess(&throttle, &ada(), of_network(number)).await;
        }
        // Also beside others at the same address.
        for number in 0..100 {
            guess(&throttle, &named(number), client(2)).await;
        }
        for (from, has_token, is_delayed) in
            [(client(2), false, false), (client(3), true, false), (client(3), false, true)]
        {
            let started = Instant::now();
            throttle.admit(&ada(), from, has_token).await.expect("an attempt");
            assert_eq!(started.elapsed() >= FIRST_PAUSE, is_delayed, "{from:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_a_known_owner_forgive_no_others() {
        let throttle = Throttle::new();
        for number in 0..30 {
            guess(&throttle, &named(number), client(1)).await;
        }
        throttle.remember(&ada(), client(1));
        for _ in 0..20 {
            guess(&throttle, &ada(), client(1)).await;
        }
        throttle.admit(&ada(), client(1), false).await.expect("an attempt").succeed();
        let (took, _) = guess(&throttle, &named(31), client(1)).await;
        assert!(took >= FIRST_PAUSE, "{took:?}");
    }
}

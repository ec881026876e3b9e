//! Hashing and verification of passwords by Argon2id, on blocking threads and in limited number at once.

use std::thread::available_parallelism;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use crate::domain::{
    account::{Password, PasswordHash},
    client_ip::ClientIp,
    fair_permits::{Applicant, FairPermits},
};

/// Parameters of Argon2id as recommended by OWASP: memory in KiB, iterations, degree of parallelism.
const ARGON2_COST: (u32, u32, u32) = (19 << 10, 2, 1);

/// A hash that is verified against when an account does not exist, so that the answer takes the same time. No password is
/// known to have this hash.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The reason why a password could not be hashed or verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFailure {
    /// Too many other passwords are being hashed.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The hash function or its thread failed.
    #[error("a password could not be hashed")]
    Broken,
}

/// Hashes and verifies passwords, at most one per processor core at a time, since each occupies a core. Of those that wait,
/// the passwords of known owners come first, then those of clients of whom fewest are being hashed.
#[derive(Debug)]
pub(super) struct Passwords {
    permits: FairPermits,
}

/// Whose password waits to be hashed, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct HashRequest {
    pub(super) client: ClientIp,
    /// Whether the client is known as the owner of the account.
    pub(super) is_known: bool,
    /// The time by which hashing has to begin.
    pub(super) deadline: Instant,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { permits: FairPermits::new(cores, usize::MAX) }
    }

    /// Hashes a password with a new random salt. Fails if hashing cannot begin in time.
    pub(super) async fn hash(&self, password: Password, request: HashRequest) -> Result<PasswordHash, HashFailure> {
        let hash = self.run(request, move || hash(&password)).await?;
        hash.map_err(|_| HashFailure::Broken)
    }

    /// Whether a password has a stored hash. Without a hash it returns false after the same time. Fails if verification
    /// cannot begin in time.
    pub(super) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
        request: HashRequest,
    ) -> Result<bool, HashFailure> {
        self.run(request, move || {
            let matches = matches(&password, stored.as_ref().map_or(DUMMY_HASH, PasswordHash::expose));
            matches && stored.is_some()
        })
        .await
    }

    /// Runs `work` on a blocking thread, as soon as a permit is available.
    async fn run<T: Send + 'static>(
        &self,
        HashRequest { client, is_known, deadline }: HashRequest,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashFailure> {
        let applicant = Applicant { client, has_share: false, is_first: is_known };
        let permit = timeout_at(deadline, self.permits.acquire(applicant)).await;
        let permit = permit.ok().flatten().ok_or(HashFailure::Busy)?;
        let result = spawn_blocking(move || {
            let result = work();
            // Released on the blocking thread, which goes on when the caller's future is dropped.
            drop(permit);
            result
        });
        result.await.map_err(|_| HashFailure::Broken)
    }
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    let (memory, passes, lanes) = ARGON2_COST;
    let params = Params::new(memory, passes, lanes, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Password) -> argon2::password_hash::Result<PasswordHash> {
    let argon2 = argon2().map_err(|_| argon2::password_hash::Error::Internal)?;
    let hash: phc::PasswordHash = argon2.hash_password(password.expose().as_bytes())?;
    Ok(PasswordHash::new(hash.to_string()))
}

fn matches(password: &Password, stored: &str) -> bool {
    argon2().is_ok_and(|argon2| argon2.verify_password(password.expose().as_bytes(), stored).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse_entered(&SecretString::from(text)).unwrap()
    }

    fn soon() -> HashRequest {
        let client = ClientIp::from_peer([192, 0, 2, 1].into());
        HashRequest { client, is_known: false, deadline: Instant::now() + Duration::from_mins(1) }
    }

    #[tokio::test]
    async fn only_the_same_password_is_verified() {
        let passwords = Passwords::new();
        let stored = passwords.hash(password("correct horse"), soon()).await.unwrap();
        assert!(stored.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!stored.expose().contains("horse"));
        assert_ne!(passwords.hash(password("correct horse"), soon()).await.unwrap().expose(), stored.expose());
        assert_eq!(passwords.verify(password("correct horse"), Some(stored.clone()), soon()).await, Ok(true));
        for wrong in ["correct horse ", "Correct horse", "c"] {
            assert_eq!(passwords.verify(password(wrong), Some(stored.clone()), soon()).await, Ok(false));
        }
    }

    #[test]
    fn the_dummy_hash_has_the_cost_of_a_real_one() {
        let stored = hash(&password("correct horse")).unwrap();
        let (dummy, stored) =
            (phc::PasswordHash::new(DUMMY_HASH).unwrap(), phc::PasswordHash::new(stored.expose()).unwrap());
        assert_eq!((dummy.algorithm, dummy.version), (stored.algorithm, stored.version));
        assert_eq!(dummy.params, stored.params);
        let length = |hash: &phc::PasswordHash| hash.hash.map(|hash| hash.len());
        assert_eq!(length(&dummy), length(&stored));
    }

    #[tokio::test]
    async fn a_password_without_a_permit_in_time_fails_as_busy() {
        let passwords = Passwords { permits: FairPermits::new(0, usize::MAX) };
        let hashed =
            passwords.hash(password("correct horse"), HashRequest { deadline: Instant::now(), ..soon() }).await;
        assert_eq!(hashed.unwrap_err(), HashFailure::Busy);
    }
}

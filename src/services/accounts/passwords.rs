//! Passwords: hashed by Argon2id, beside the tasks that serve requests, and only so many at once.

use std::{sync::Arc, thread::available_parallelism};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use crate::domain::account::{Password, PasswordHash};

/// Memory of one hash in KiB, passes over it, lanes: what OWASP recommends for Argon2id.
const COST: (u32, u32, u32) = (19 << 10, 2, 1);

/// What is compared when there is no account, so that it takes as long. No password is known to have this hash.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFailure {
    /// Too many are.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// A fault of this server.
    #[error("a password could not be hashed")]
    Broken,
}

/// Hashes passwords. Each takes a processor for its time, so there are no more at once than there are of these.
#[derive(Debug)]
pub(super) struct Passwords {
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let places = available_parallelism().map_or(1, usize::from);
        Self { places: Arc::new(Semaphore::new(places)) }
    }

    /// What is to be kept of a password.
    pub(super) async fn hash(&self, password: Password, deadline: Instant) -> Result<PasswordHash, HashFailure> {
        let hash = self.at_work(deadline, move || hash(&password)).await?;
        hash.map_err(|_| HashFailure::Broken)
    }

    /// Whether a password is the one that was kept. It takes the same time whether there is one or not.
    pub(super) async fn is_right(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
        deadline: Instant,
    ) -> Result<bool, HashFailure> {
        self.at_work(deadline, move || {
            let matches = is_right(&password, kept.as_ref().map_or(NOBODYS, PasswordHash::expose));
            matches && kept.is_some()
        })
        .await
    }

    /// Works on a thread of its own as soon as there is a place.
    async fn at_work<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashFailure> {
        let place = timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| HashFailure::Busy)?.map_err(|_| HashFailure::Broken)?;
        let done = spawn_blocking(move || {
            let done = work();
            // Here, since the work goes on when whoever waited for it has left.
            drop(place);
            done
        });
        done.await.map_err(|_| HashFailure::Broken)
    }
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Password) -> argon2::password_hash::Result<PasswordHash> {
    let argon2 = argon2().map_err(|_| argon2::password_hash::Error::Internal)?;
    let hash: phc::PasswordHash = argon2.hash_password(password.expose().as_bytes())?;
    Ok(PasswordHash::new(hash.to_string()))
}

fn is_right(password: &Password, kept: &str) -> bool {
    argon2().is_ok_and(|argon2| argon2.verify_password(password.expose().as_bytes(), kept).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse_entered(SecretString::from(text)).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_no_other_is() {
        let passwords = Passwords::new();
        let kept = passwords.hash(password("correct horse"), soon()).await.unwrap();
        assert!(kept.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!kept.expose().contains("horse"));
        assert_ne!(passwords.hash(password("correct horse"), soon()).await.unwrap().expose(), kept.expose());
        assert_eq!(passwords.is_right(password("correct horse"), Some(kept.clone()), soon()).await, Ok(true));
        for wrong in ["correct horse ", "Correct horse", "c"] {
            assert_eq!(passwords.is_right(password(wrong), Some(kept.clone()), soon()).await, Ok(false));
        }
    }

    #[test]
    fn what_is_compared_for_nobody_costs_as_much() {
        let kept = hash(&password("correct horse")).unwrap();
        let (nobodys, kept) =
            (phc::PasswordHash::new(NOBODYS).unwrap(), phc::PasswordHash::new(kept.expose()).unwrap());
        assert_eq!((nobodys.algorithm, nobodys.version), (kept.algorithm, kept.version));
        assert_eq!(nobodys.params, kept.params);
        let length = |hash: &phc::PasswordHash| hash.hash.map(|hash| hash.len());
        assert_eq!(length(&nobodys), length(&kept));
    }

    #[tokio::test]
    async fn who_gets_no_place_in_time_is_told_so() {
        let passwords = Passwords { places: Arc::new(Semaphore::new(0)) };
        let hashed = passwords.hash(password("correct horse"), Instant::now()).await;
        assert_eq!(hashed.unwrap_err(), HashFailure::Busy);
    }
}

//! Keys of Papita in the cache, and the calls that fetch them.

use std::time::{Duration, Instant};

use moka::Expiry;

use super::{
    credential::{Credential, KeyLookup},
    papita::FetchFailure,
};

/// The part of the fresh time after which a key is refreshed in the background.
const REFRESH_AFTER: f32 = 0.8;

/// A key of Papita in the cache.
#[derive(Clone, Debug)]
pub(super) struct CachedKey {
    pub(super) credential: Credential,
    pub(super) fetched_at: Instant,
    /// The time until which Papita is not called again for another key, if the model's provider has refused this one
    /// while Papita had no other.
    pub(super) refused_until: Option<Instant>,
}

impl CachedKey {
    /// Returns the key for a turn that has looked for it in this way.
    pub(super) fn found(self, lookup: KeyLookup) -> Credential {
        let mut credential = self.credential.found(lookup);
        credential.origin.fetched_at = Some(self.fetched_at);
        credential
    }

    /// Whether the key has been fresh for so long that it should be refreshed, a little before it becomes stale.
    pub(super) fn needs_refresh(&self, fresh: Duration) -> bool {
        self.fetched_at.elapsed() >= fresh.mul_f32(REFRESH_AFTER)
    }

    /// Whether the key is stale: still usable, but older than the fresh time.
    pub(super) fn is_stale(&self, fresh: Duration) -> bool {
        self.fetched_at.elapsed() >= fresh
    }

    /// Whether the provider has just refused the key while Papita had no other one.
    pub(super) fn was_just_refused(&self) -> bool {
        self.refused_until.is_some_and(|until| Instant::now() < until)
    }
}

/// The purpose of a call to Papita. Turns with an equal value share one call.
///
/// A refused key must not be replaced by the result of a call that began before the refusal. So the value differs after
/// each refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum FetchRequest {
    /// A call for any key, after this number of refusals.
    AnyKey(u64),
    /// A call for another key than the refused one with this hash.
    KeyOtherThan(String),
}

/// The result of a call to Papita.
pub(super) type FetchResult = Result<CachedKey, FetchFailure>;

/// The result of a call to Papita in the cache of calls.
#[derive(Clone, Debug)]
pub(super) struct CachedCall {
    pub(super) result: FetchResult,
    /// The time for which the result is cached.
    pub(super) lifetime: Duration,
}

/// Expires each call after its own lifetime.
pub(super) struct CallLifetime;

impl Expiry<FetchRequest, CachedCall> for CallLifetime {
    fn expire_after_create(&self, _: &FetchRequest, call: &CachedCall, _: Instant) -> Option<Duration> {
        Some(call.lifetime)
    }
}

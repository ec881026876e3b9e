//! Keys of Papita in the cache, and the calls that fetch them.

use std::time::{Duration, Instant};

use super::{credential::Credential, papita::FetchFailure};

/// The part of the fresh time after which a key is refreshed in the background.
const REFRESH_AFTER: f32 = 0.8;

/// A key of Papita in the cache.
#[derive(Clone, Debug)]
pub(super) struct CachedKey {
    pub(super) credential: Credential,
    pub(super) fetched_at: Instant,
    /// The time at which the model's provider refused this key while Papita had no other one.
    pub(super) refused_at: Option<Instant>,
}

impl CachedKey {
    /// Whether the key has been fresh for so long that it should be refreshed, a little before it becomes stale.
    pub(super) fn needs_refresh(&self, fresh: Duration) -> bool {
        self.fetched_at.elapsed() >= fresh.mul_f32(REFRESH_AFTER)
    }

    /// Whether the key is stale: still usable, but older than the fresh time.
    pub(super) fn is_stale(&self, fresh: Duration) -> bool {
        self.fetched_at.elapsed() >= fresh
    }

    /// Whether the provider refused the key within this time, while Papita had no other one.
    pub(super) fn was_refused_within(&self, time: Duration) -> bool {
        self.refused_at.is_some_and(|refused_at| refused_at.elapsed() < time)
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

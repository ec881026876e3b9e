//! The identity by which a circuit breaker distinguishes callers.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash of the caller's account, session or address, by which a circuit breaker counts different callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerHash(pub(super) u64);

impl CallerHash {
    /// Returns the hash of a caller's identity.
    #[must_use]
    pub fn of(identity: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Self(hasher.finish())
    }
}

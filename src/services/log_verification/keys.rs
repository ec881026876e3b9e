//! The keys with which chains are verified.

use crate::{
    domain::{
        log_chain::{Chain, ChainHasher},
        log_stamp::StampedChain,
    },
    foundation::secret::SigningSecret,
};

/// The keys that may have been used, the last of which is none. A key is named by its index.
#[derive(Clone, Debug)]
pub(super) struct Keys(Vec<ChainHasher>);

impl Keys {
    pub(super) fn new(secrets: &[SigningSecret]) -> Self {
        Self(secrets.iter().map(ChainHasher::with_key).chain([ChainHasher::without_key()]).collect())
    }

    /// Returns whether a key is made of a secret.
    pub(super) fn is_secret(&self, key: usize) -> bool {
        key + 1 < self.0.len()
    }

    /// Returns the key with which a line's chain follows from the one `before`: `known`, or any if that is `None`.
    pub(super) fn fitting(
        &mut self,
        known: Option<usize>,
        before: Chain,
        line: &[u8],
        stamped: &StampedChain,
    ) -> Option<usize> {
        let mut keys = known.map_or(0..self.0.len(), |key| key..key + 1);
        keys.find(|key| self.chain(*key, before, line, stamped) == stamped.chain)
    }

    /// Calculates the chain of a line.
    pub(super) fn chain(&mut self, key: usize, before: Chain, line: &[u8], stamped: &StampedChain) -> Chain {
        self.0[key].chain(before, &line[..stamped.at.start], &line[stamped.at.end..])
    }
}

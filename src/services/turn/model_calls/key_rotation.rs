//! Key rotation: a call whose key was refused is repeated with the next key.

use super::{attempts::Attempts, call_record::CallRecord, call_request::Target};
use crate::{
    adapters::{
        credentials::{Credential, CredentialSource, Credentials},
        model::{BreakerPermit, ModelFailure},
    },
    domain::chat::Finish,
};

/// Limit of the keys from Papita that one call tries after the first.
const MAX_ROTATIONS: u32 = 3;

/// Calls models for one turn with the current key, and with another one when it is refused.
pub(super) struct KeyRotation<'r> {
    pub(super) credentials: &'r Credentials,
    /// The key to use; `None` for a server that needs none.
    pub(super) key: Option<Credential>,
    pub(super) attempts: Attempts<'r>,
}

impl KeyRotation<'_> {
    /// Calls a model. While the key is refused and Papita has a new one, calls again with that; at last with the local
    /// key.
    pub(super) async fn call(
        &mut self,
        target: Target<'_>,
        permit: &mut BreakerPermit,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelFailure> {
        let mut rotations = 0;
        loop {
            let outcome = self.attempts.call(target, self.key.as_ref(), permit, record).await;
            self.record_acceptance(&outcome);
            let is_refused = matches!(outcome, Err(ModelFailure::Unauthorized));
            if !is_refused || !self.attempts.request.may_call_again() {
                return outcome;
            }
            let Some(next) = self.next_key(rotations).await else { return outcome };
            rotations = if next.origin.source == CredentialSource::LocalEnv { MAX_ROTATIONS } else { rotations + 1 };
            self.key = Some(next);
        }
    }

    /// Returns the key to use after the current one was refused; `None` if there is no other.
    async fn next_key(&self, rotations: u32) -> Option<Credential> {
        let refused = self.key.as_ref()?;
        let new = if rotations < MAX_ROTATIONS { self.credentials.replacement(refused).await } else { None };
        let is_local = refused.origin.source == CredentialSource::LocalEnv;
        new.or_else(|| self.credentials.local().filter(|_| !is_local))
    }

    /// Notes whether the provider accepted the key.
    fn record_acceptance(&self, outcome: &Result<Finish, ModelFailure>) {
        let is_accepted = match outcome {
            Ok(_) => true,
            Err(ModelFailure::Unauthorized) => false,
            Err(_) => return,
        };
        if let Some(credential) = &self.key {
            self.credentials.record_acceptance(&credential.key, is_accepted);
        }
    }
}

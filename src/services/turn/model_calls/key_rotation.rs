//! Key rotation: a call whose key was refused is repeated with the next key.

use super::{attempts::Attempts, call_record::CallRecord, call_request::Target, routes::Route};
use crate::{
    adapters::{
        credentials::{Access, Credential, CredentialSource, Credentials, NoCredential},
        model::{BreakerPermit, ModelFailure},
    },
    domain::chat::Finish,
    foundation::{config::ProviderIndex, trace::attributes},
    services::turn::spans::end_key_span,
};

/// Limit of the keys from Papita that one call tries after the first.
const MAX_ROTATIONS: u32 = 3;

/// Calls models for one turn with the current key, and with another one when it is refused.
pub(super) struct KeyRotation<'r> {
    /// The provider that was prepared last, with its state.
    pub(super) provider: (ProviderIndex, Preparation),
    pub(super) attempts: Attempts<'r>,
}

/// What calls to a provider can use: its key, `None` for a server that needs none, or the reason why there is no key.
pub(super) type Preparation = Result<Option<Credential>, NoCredential>;

/// Returns what calls to a provider can use whose keys give this access.
pub(super) fn preparation(access: Access, credentials: &Credentials) -> Preparation {
    match access {
        Access::Key(credential) => Ok(Some(credential)),
        Access::NoKeyNeeded => Ok(None),
        Access::BuiltIn => Err(credentials.not_configured()),
        Access::Missing(none) => Err(none),
    }
}

impl KeyRotation<'_> {
    /// Takes the key of the provider to which a route leads, unless it has that already. Fails if the provider has none.
    pub(super) async fn prepare(&mut self, route: Route<'_>) -> Result<(), NoCredential> {
        if self.provider.0 != route.index {
            let credentials = &route.provider.credentials;
            let span = self.attempts.request.trace.and_then(|trace| trace.start_internal(attributes::KEY));
            let access = credentials.access().await;
            end_key_span(span, &route.provider.name, &access);
            self.provider = (route.index, preparation(access, credentials));
        }
        self.provider.1.as_ref().map(|_| ()).map_err(|none| *none)
    }

    fn key(&self) -> Option<&Credential> {
        self.provider.1.as_ref().ok()?.as_ref()
    }

    /// Calls a model. While the key is refused and Papita has a new one, calls again with that; at last with the local
    /// key.
    pub(super) async fn call(
        &mut self,
        target: Target<'_>,
        permit: &mut BreakerPermit,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelFailure> {
        let credentials = &target.route.provider.credentials;
        let mut rotations = 0;
        loop {
            let outcome = self.attempts.call(target, self.key(), permit, record).await;
            self.record_acceptance(credentials, &outcome);
            let is_refused = matches!(outcome, Err(ModelFailure::Unauthorized));
            if !is_refused || !self.attempts.request.may_call_again() {
                return outcome;
            }
            let Some(next) = self.next_key(credentials, rotations).await else { return outcome };
            rotations = if next.origin.source == CredentialSource::LocalEnv { MAX_ROTATIONS } else { rotations + 1 };
            self.provider.1 = Ok(Some(next));
        }
    }

    /// Returns the key to use after the current one was refused; `None` if there is no other.
    async fn next_key(&self, credentials: &Credentials, rotations: u32) -> Option<Credential> {
        let refused = self.key()?;
        let new = if rotations < MAX_ROTATIONS { credentials.replacement(refused).await } else { None };
        let is_local = refused.origin.source == CredentialSource::LocalEnv;
        new.or_else(|| credentials.local().filter(|_| !is_local))
    }

    /// Notes whether the provider accepted the key.
    fn record_acceptance(&self, credentials: &Credentials, outcome: &Result<Finish, ModelFailure>) {
        let is_accepted = match outcome {
            Ok(_) => true,
            Err(ModelFailure::Unauthorized) => false,
            Err(_) => return,
        };
        if let Some(credential) = self.key() {
            credentials.record_acceptance(&credential.key, is_accepted);
        }
    }
}

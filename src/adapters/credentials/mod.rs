//! API keys: Papita's, and the local one of `OPENAI_API_KEY` as a fallback.
//!
//! A key of Papita is *fresh* for a while, refreshed in the background before it becomes *stale*, and used as a stale
//! key while Papita fails. All turns that wait for a key share one call to Papita. A failure is remembered for a
//! moment, so that a Papita that hangs does not delay every turn. After the provider has refused a key, that moment is
//! shorter at first.

mod access;
mod cached_key;
mod credential;
mod no_credential;
mod papita;
mod papita_keys;
mod presence;
mod provider;
mod retry_pauses;

pub use self::{
    access::Access,
    credential::{Credential, CredentialSource, KeyLookup, KeyOrigin},
    no_credential::NoCredential,
    papita::FetchFailure,
    provider::Credentials,
};

//! API keys of one provider. For that of the environment: Papita's, and the local one of `OPENAI_API_KEY` as a fallback. For one
//! of the configuration file: a key of Papita, of an environment variable or of a file, or none.
//!
//! A key of Papita is *fresh* for a while, refreshed in the background before it becomes *stale*, and used as a stale
//! key while Papita fails. All turns that wait for a key share one call to Papita. A failure is remembered for a
//! moment, so that a Papita that hangs does not delay every turn. After the provider has refused a key, that moment is
//! shorter at first.

mod access;
mod cached_key;
mod credential;
mod local_key;
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
    provider::{Credentials, KeyPolicy},
};

//! Types for secrets, whose `Debug` output never holds the secret.

mod api_key;
mod signing;

pub use self::{
    api_key::{ApiKey, FingerprintKey, InvalidApiKey},
    signing::SigningSecret,
};

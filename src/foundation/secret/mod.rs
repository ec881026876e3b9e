//! Secrets in types that cannot print.

mod api_key;
mod signing;

pub use self::{
    api_key::{ApiKey, FingerprintKey, NotAKey},
    signing::SigningSecret,
};

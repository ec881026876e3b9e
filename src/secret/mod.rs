//! Secrets in types that cannot print.

mod api_key;
mod signing;

pub use self::{api_key::ApiKey, signing::SigningSecret};

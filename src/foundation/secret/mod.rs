//! Types for secrets, whose `Debug` output never holds the secret.

mod admin_token;
mod api_key;
mod content_key;
mod hook_token;
mod server_url;
mod signing;
mod webhook_secret;

pub use self::{
    admin_token::AdminToken,
    api_key::{ApiKey, FingerprintKey, InvalidApiKey},
    content_key::ContentKey,
    hook_token::HookToken,
    server_url::ServerUrl,
    signing::SigningSecret,
    webhook_secret::WebhookSecrets,
};

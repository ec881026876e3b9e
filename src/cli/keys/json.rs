//! API keys as JSON, for scripts.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    adapters::storage::StoredApiKey,
    cli::output::pretty_json,
    domain::{api_key::ApiKeyText, tenant::TenantName},
    foundation::clock::Clock,
};

#[derive(Serialize)]
struct Created<'a> {
    name: &'a str,
    key: &'a str,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    created_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    limits: Option<&'a str>,
    models: Option<Vec<&'a str>>,
}

/// Returns a key that was made.
pub(super) fn created(name: TenantName, key: &ApiKeyText) -> String {
    pretty_json(&Created { name: name.as_str(), key: key.expose() })
}

/// Returns a list of the keys.
pub(super) fn list(keys: &[StoredApiKey], clock: &Clock) -> String {
    pretty_json(&keys.iter().map(|key| listed(key, clock)).collect::<Vec<_>>())
}

fn listed<'a>(key: &'a StoredApiKey, clock: &Clock) -> Listed<'a> {
    let time = |time: Option<Timestamp>| time.map(|time| clock.rfc3339(time));
    Listed {
        name: &key.name,
        created_at: clock.rfc3339(key.created_at),
        last_used_at: time(key.last_used_at),
        revoked_at: time(key.revoked_at),
        limits: key.limits.as_deref(),
        models: key.models.as_deref().map(|models| models.split(',').collect()),
    }
}

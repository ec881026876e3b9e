//! API keys as text, for people.

use jiff::{Timestamp, tz::TimeZone};

use crate::{adapters::storage::StoredApiKey, cli::columns, domain::api_key::ApiKeyText};

const COLUMNS: [&str; 6] = ["name", "created", "last used", "revoked", "limits", "models"];

/// Returns a key as a line of its own, which a script can read.
pub(super) fn created(key: &ApiKeyText) -> String {
    format!("{}\n", key.expose())
}

/// Returns a table of the keys.
pub(super) fn list(keys: &[StoredApiKey], zone: &TimeZone) -> String {
    if keys.is_empty() {
        return "There are no API keys.\n".to_owned();
    }
    let header = COLUMNS.map(str::to_owned).to_vec();
    let rows = std::iter::once(header).chain(keys.iter().map(|key| row(key, zone))).collect::<Vec<_>>();
    columns::lines(&rows, COLUMNS.len()).map(|line| line + "\n").collect()
}

fn row(key: &StoredApiKey, zone: &TimeZone) -> Vec<String> {
    let minute = |time: Timestamp| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), minute);
    vec![
        key.name.clone(),
        minute(key.created_at),
        time(key.last_used_at),
        time(key.revoked_at),
        key.limits.clone().unwrap_or_else(|| "LIMIT_KEY".to_owned()),
        key.models.clone().unwrap_or_else(|| "all".to_owned()),
    ]
}

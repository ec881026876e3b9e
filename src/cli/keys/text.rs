//! API keys as text, for people.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::{adapters::storage::StoredApiKey, domain::api_key::ApiKeyText};

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
    let rows = std::iter::once(COLUMNS.map(str::to_owned)).chain(keys.iter().map(|key| row(key, zone)));
    let rows = rows.collect::<Vec<_>>();
    let widths = COLUMNS.map(str::len).into_iter().enumerate();
    let widths = widths.map(|(column, least)| rows.iter().map(|row| row[column].len()).fold(least, usize::max));
    let widths = widths.collect::<Vec<_>>();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

fn row(key: &StoredApiKey, zone: &TimeZone) -> [String; 6] {
    let minute = |time: Timestamp| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), minute);
    [
        key.name.clone(),
        minute(key.created_at),
        time(key.last_used_at),
        time(key.revoked_at),
        key.limits.clone().unwrap_or_else(|| "LIMIT_KEY".to_owned()),
        key.models.clone().unwrap_or_else(|| "all".to_owned()),
    ]
}

//! The columns `sources`: the pages that an answer is based on, as JSON; NULL without pages.

use crate::domain::prompt::Source;

/// Returns the value of the column.
pub(super) fn to_json(sources: &[Source]) -> Option<String> {
    serde_json::to_string(sources).ok().filter(|_| !sources.is_empty())
}

/// Reads the value of the column; none if it is NULL, or sealed and thus no JSON.
pub(super) fn to_sources(json: Option<&str>) -> Vec<Source> {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

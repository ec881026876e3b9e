//! Parses lines, and finds out what is wrong with those that al-chat has not written.

use super::{damage::DamageKind, fields::Fields};
use crate::adapters::log_files::LineEnd;

/// Parses a line. A last line without a line feed is whole if it can be parsed.
pub(super) fn parse(line: &[u8], end: LineEnd) -> Result<Fields<'_>, DamageKind> {
    if let LineEnd::TooLong { .. } = end {
        return Err(DamageKind::TooLong);
    }
    // serde does not check the bytes of texts that it ignores.
    match std::str::from_utf8(line).map(serde_json::from_str::<Fields<'_>>) {
        Ok(Ok(fields)) if fields.event.is_some() => Ok(fields),
        _ if end == LineEnd::Torn => Err(DamageKind::Torn),
        _ => Err(foreign_kind(line)),
    }
}

fn foreign_kind(line: &[u8]) -> DamageKind {
    if line.contains(&0) {
        DamageKind::Nul
    } else if std::str::from_utf8(line).is_err() {
        DamageKind::NotUtf8
    } else {
        DamageKind::Foreign
    }
}

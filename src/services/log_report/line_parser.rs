//! Parses lines, and finds out what is wrong with those that al-chat has not written.

use super::{damage::DamageKind, fields::Fields};
use crate::adapters::log_files::{LineEnd, LineFault, parse_line};

/// Parses a line. A last line without a line feed is whole if it can be parsed.
pub(super) fn parse(line: &[u8], end: LineEnd) -> Result<Fields<'_>, DamageKind> {
    let fields = parse_line::<Fields<'_>>(line, end)?;
    match end {
        _ if fields.event.is_some() => Ok(fields),
        LineEnd::Torn => Err(DamageKind::Torn),
        _ => Err(DamageKind::Foreign),
    }
}

impl From<LineFault> for DamageKind {
    fn from(fault: LineFault) -> Self {
        match fault {
            LineFault::Torn => Self::Torn,
            LineFault::Foreign => Self::Foreign,
            LineFault::NotUtf8 => Self::NotUtf8,
            LineFault::Nul => Self::Nul,
            LineFault::TooLong => Self::TooLong,
        }
    }
}

//! Parses lines, and finds out what is wrong with those that al-chat has not written.

use serde::Deserialize;

use super::chunk::LineEnd;

/// The reason why a line of a file is not read as one of a session log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// The file ends within the line.
    Torn,
    /// The line is not what was expected.
    Foreign,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line has bytes that are zero, as after a power loss.
    Nul,
    /// The line is longer than any that al-chat writes.
    TooLong,
}

impl LineFault {
    /// Returns what is wrong as a part of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Torn => "the file ends within the line",
            Self::Foreign => "not a line of a session log",
            Self::NotUtf8 => "not UTF-8",
            Self::Nul => "has zero bytes",
            Self::TooLong => "longer than 64 MiB",
        }
    }
}

/// Parses the JSON of a line as `T`. Fails, too, if the line is damaged where `T` reads nothing. A last line without a line feed
/// is whole if it can be parsed.
pub fn parse_line<'a, T: Deserialize<'a>>(line: &'a [u8], end: LineEnd) -> Result<T, LineFault> {
    if let LineEnd::TooLong { .. } = end {
        return Err(LineFault::TooLong);
    }
    // serde does not check the bytes of texts that it ignores.
    match std::str::from_utf8(line).map(serde_json::from_str) {
        Ok(Ok(parsed)) => Ok(parsed),
        _ if end == LineEnd::Torn => Err(LineFault::Torn),
        _ if line.contains(&0) => Err(LineFault::Nul),
        Ok(Err(_)) => Err(LineFault::Foreign),
        Err(_) => Err(LineFault::NotUtf8),
    }
}

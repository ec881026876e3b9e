//! The line of a turn that has not ended, as the database holds it until then.

use jiff::Timestamp;

use super::{event::ChatLine, reader::LoggedTurn};

/// The fields of a `chat` line that are written to the log only if the process ends before the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedTurn(String);

impl RecordedTurn {
    /// Encodes the fields of a line; `None` if they cannot be encoded.
    #[must_use]
    pub fn new(line: &ChatLine<'_>) -> Option<Self> {
        serde_json::to_string(line).ok().map(Self)
    }

    /// Takes the fields as [`Self::fields`] returns them.
    #[must_use]
    pub fn of_fields(fields: String) -> Self {
        Self(fields)
    }

    /// Returns the fields as a JSON object.
    #[must_use]
    pub fn fields(&self) -> &str {
        &self.0
    }

    /// Returns the fields as a JSON object, for the database.
    #[must_use]
    pub fn into_fields(self) -> String {
        self.0
    }

    /// Returns the turn as it is read from its line with this timestamp; `None` if the fields are not those of a turn.
    #[must_use]
    pub fn logged_at(&self, timestamp: Timestamp) -> Option<LoggedTurn> {
        let fields = self.0.strip_prefix('{')?;
        serde_json::from_str(&format!(r#"{{"timestamp":"{timestamp}",{fields}"#)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_of_a_turn_are_a_logged_turn() {
        let at = Timestamp::UNIX_EPOCH;
        for fields in ["", "{", "{}", "null", r#"{"request_id":"r"}"#] {
            assert!(RecordedTurn::of_fields(fields.to_owned()).logged_at(at).is_none(), "{fields}");
        }
    }
}

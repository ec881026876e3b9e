//! The line of a turn that has not ended, as the database holds it until then: its fields as a JSON object. It is written to
//! the log only if the process ends before the turn.

use jiff::Timestamp;

use super::{event::ChatLine, reader::LoggedTurn};

impl ChatLine<'_> {
    /// Returns the fields as a JSON object, for the database; `None` if they cannot be encoded.
    #[must_use]
    pub fn to_record(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

impl LoggedTurn {
    /// Reads the fields that [`ChatLine::to_record`] has returned, as those of a line with this timestamp; `None` if they are
    /// not those of a turn.
    #[must_use]
    pub fn of_record(fields: &str, timestamp: Timestamp) -> Option<Self> {
        let fields = fields.strip_prefix('{')?;
        serde_json::from_str(&format!(r#"{{"timestamp":"{timestamp}",{fields}"#)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_of_a_turn_are_a_logged_turn() {
        for fields in ["", "{", "{}", "null", r#"{"request_id":"r"}"#] {
            assert!(LoggedTurn::of_record(fields, Timestamp::UNIX_EPOCH).is_none(), "{fields}");
        }
    }
}

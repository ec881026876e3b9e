//! Sessions: the time that a visitor spends at a chat window, from its start to its stop.

use std::fmt;

use jiff::Zoned;
use rand::RngExt;

use crate::domain::errors::resources;

/// A session id. Ids generated here are `session_YYYYMMDD_HHMMSS_` and a random suffix. Clients may send ids of their own,
/// such as those without a suffix that an older server issued.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// The error for a malformed session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", resources::INVALID_SESSION_ID.sentence)]
pub struct InvalidSessionId;

impl SessionId {
    /// The number of random characters at the end of an id: 16 out of an alphabet of 32, 80 bits, against guesses and
    /// collisions.
    const SUFFIX_CHARS: usize = 16;
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

    /// Generates the id of a session that starts at the local time `now`.
    #[must_use]
    pub fn generate(now: &Zoned) -> Self {
        let mut id = now.strftime("session_%Y%m%d_%H%M%S_").to_string();
        let mut random = rand::rng();
        id.extend((0..Self::SUFFIX_CHARS).map(|_| char::from(Self::ALPHABET[random.random_range(0..32)])));
        Self(id)
    }

    /// Parses a session id sent by a client: 1 to 128 ASCII letters, digits, `.`, `:`, `-` or `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b':' | b'-' | b'_');
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSessionId)
        }
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reason why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client stopped the session.
    Client,
    /// The server closed the session after too long a time without a turn.
    IdleTimeout,
}

impl ClosedBy {
    /// Returns the name used in the session log and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::IdleTimeout => "idle_timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn generated_ids_have_the_documented_form_and_are_unique() {
        let now = date(2026, 3, 29).at(1, 59, 59, 0).in_tz("Europe/Berlin").unwrap();
        let ids = (0..1000).map(|_| SessionId::generate(&now).0).collect::<HashSet<_>>();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert!(id.starts_with("session_20260329_015959_"), "{id}");
            assert_eq!(SessionId::parse(&id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn ids_without_a_suffix_are_valid_and_other_texts_are_not() {
        assert!(SessionId::parse("session_20240115_103000").is_ok());
        for text in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert_eq!(SessionId::parse(text), Err(InvalidSessionId), "{text:?}");
        }
    }
}

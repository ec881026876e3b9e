//! A visitor's stay at a chat window.

use std::fmt;

use jiff::Zoned;
use rand::RngExt;

/// A session's name: `session_YYYYMMDD_HHMMSS_` and a random tail when made here. Clients may also bring names of
/// their own, such as the bare form without a tail that an older server gave out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// A client's session id was not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A session id has 1 to 128 letters, digits, dots, colons, dashes or underscores")]
pub struct InvalidSessionId;

impl SessionId {
    /// Random characters at the end of an id: 16 out of 32 are 80 bits, which nobody guesses and no two share.
    const TAIL: usize = 16;
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

    /// A new id for a session that starts at this local time.
    #[must_use]
    pub fn mint(now: &Zoned) -> Self {
        let mut id = now.strftime("session_%Y%m%d_%H%M%S_").to_string();
        let mut random = rand::rng();
        id.extend((0..Self::TAIL).map(|_| char::from(Self::ALPHABET[random.random_range(0..32)])));
        Self(id)
    }

    /// The id a client sent.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b':' | b'-' | b'_');
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSessionId)
        }
    }

    /// The id's text.
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

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client said so.
    Client,
    /// Nothing was heard of it for too long.
    IdleTimeout,
}

impl ClosedBy {
    /// The name used in the log and in the database.
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
    fn ids_have_the_known_form_and_never_collide() {
        let now = date(2026, 3, 29).at(1, 59, 59, 0).in_tz("Europe/Berlin").unwrap();
        let ids = (0..1000).map(|_| SessionId::mint(&now).0).collect::<HashSet<_>>();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert!(id.starts_with("session_20260329_015959_"), "{id}");
            assert_eq!(SessionId::parse(&id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn the_bare_form_is_accepted_and_nonsense_is_not() {
        assert!(SessionId::parse("session_20240115_103000").is_ok());
        for text in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert_eq!(SessionId::parse(text), Err(InvalidSessionId), "{text:?}");
        }
    }
}
